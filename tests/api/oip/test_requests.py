import json
from typing import Any

import numpy as np
import pytest

from app.api.oip.requests import InferenceRequest, Wanted, read_request
from app.api.oip.tensors import TensorLimits
from app.core.errors import InvalidParameterError, MalformedRequestError
from tests.api.oip.wire import binary, described, element, in_json

LIMITS = TensorLimits((2, 3), 4)
PIXELS = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
TENSOR = described("image", "UINT8", [1, 2, 3, 3])
ENCODED = described("encoded_image", "BYTES", [1])
BOTH = (Wanted("probabilities", binary=False), Wanted("mask", binary=False))


def read(request: dict[str, Any], limits: TensorLimits = LIMITS) -> InferenceRequest:
    return read_request(json.dumps(request).encode(), None, limits)


def read_binary(tensor: bytes, request: dict[str, Any]) -> InferenceRequest:
    body, headers = binary(tensor, request)
    (length,) = headers.values()
    return read_request(body, int(length), LIMITS)


def test_pixels_in_json() -> None:
    asked = read({"id": "7", "inputs": [TENSOR | {"data": [PIXELS.tolist()]}]})
    np.testing.assert_array_equal(asked.pictures, [PIXELS])
    assert (asked.outputs, asked.id, asked.timeout) == (BOTH, "7", None)


def test_the_order_of_members_does_not_matter() -> None:
    asked = read({"inputs": [{"data": PIXELS.ravel().tolist(), **TENSOR}]})
    np.testing.assert_array_equal(asked.pictures, [PIXELS])


def test_pixels_behind_the_json() -> None:
    np.testing.assert_array_equal(read_binary(PIXELS.tobytes(), {"inputs": [dict(TENSOR)]}).pictures, [PIXELS])


def test_encoded_pictures() -> None:
    assert read({"inputs": [in_json(b"one", b"two")]}).pictures == [b"one", b"two"]
    assert read_binary(element(b"one"), {"inputs": [dict(ENCODED)]}).pictures == [b"one"]


@pytest.mark.parametrize(
    ("parameters", "outputs", "wanted"),
    [
        ({}, [], BOTH),
        ({"binary_data_output": True}, [], tuple(Wanted(each.name, binary=True) for each in BOTH)),
        ({"binary_data_output": True}, [{"name": "mask"}], (Wanted("mask", binary=True),)),
        ({"binary_data_output": True}, [{"name": "mask", "parameters": {"binary_data": False}}], BOTH[1:]),
        ({}, [{"name": "mask"}, {"name": "probabilities"}], BOTH[::-1]),
        ({}, [{"name": "mask", "parameters": {"binary_data": True}}], (Wanted("mask", binary=True),)),
        ({"priority": 3, "content_type": "np"}, [{"name": "mask", "parameters": {"content_type": "x"}}], BOTH[1:]),
    ],
)
def test_outputs(parameters: dict[str, Any], outputs: list[Any], wanted: tuple[Wanted, ...]) -> None:
    asked = read({"inputs": [in_json(b"one")], "parameters": parameters, "outputs": outputs})
    assert asked.outputs == wanted
    assert asked.wants("mask")
    assert asked.wants("probabilities") == (len(wanted) == 2)


def test_a_time_limit_is_in_microseconds() -> None:
    assert read({"inputs": [in_json(b"one")], "parameters": {"timeout": 1_500_000}}).timeout == 1.5
    assert read({"inputs": [in_json(b"one")], "parameters": {"timeout": 0}}).timeout is None


def test_a_body_without_json_is_one_picture() -> None:
    asked = read_request(b"a file", 0, LIMITS)
    assert asked.pictures == [b"a file"]
    assert asked.outputs == tuple(Wanted(each.name, binary=True) for each in BOTH)
    pixels = read_request(PIXELS.tobytes(), 0, LIMITS)
    np.testing.assert_array_equal(pixels.pictures, [PIXELS])
    with pytest.raises(InvalidParameterError, match="begin as a JPEG does"):
        read_request(b"\xff\xd8\xff" + bytes(15), 0, LIMITS)


def test_of_windows_there_are_no_probabilities() -> None:
    windows = TensorLimits((2, 3), 4, windows=True)
    assert read({"inputs": [in_json(b"one")]}, windows).outputs == BOTH[1:]
    assert read({"inputs": [TENSOR | {"data": PIXELS.ravel().tolist()}]}, windows).outputs == BOTH
    assert [each.name for each in read_request(b"a file", 0, windows).outputs] == ["mask"]
    with pytest.raises(InvalidParameterError, match="mask alone"):
        read({"inputs": [in_json(b"one")], "outputs": [{"name": "probabilities"}]}, windows)


@pytest.mark.parametrize(
    ("request_body", "words"),
    [
        ({"inputs": [TENSOR]}, "either"),
        ({"inputs": [in_json(b"one"), in_json(b"one")]}, "'encoded_image' stands there 2 times"),
        ({"inputs": [in_json(b"one"), TENSOR | {"data": [1]}]}, "not both"),
        ({"inputs": [in_json(b"one")], "outputs": [{"name": "mask"}] * 2}, "'mask' stands there 2 times"),
        ({"inputs": [in_json(b"one")], "outputs": [{"name": "Mask"}]}, "there is no 'Mask'"),
        ({"inputs": [in_json(b"one")], "parameters": {"threshold": 0.5}}, "no parameter 'threshold'"),
        ({"inputs": [in_json(b"one")], "parameters": {"binary_data_output": 1}}, "true or false"),
        ({"inputs": [in_json(b"one")], "parameters": {"timeout": -1}}, "microseconds"),
        ({"inputs": [in_json(b"one")], "parameters": {"timeout": 1.5}}, "microseconds"),
        ({"inputs": [in_json(b"one")], "parameters": {"timeout": True}}, "microseconds"),
        ({"inputs": [in_json(b"one")], "parameters": {"timeout": 10**18}}, "microseconds"),
        ({"inputs": [in_json(b"one") | {"parameters": {"shared_memory_region": "x"}}]}, "shared_memory_region"),
        ({"inputs": [in_json(b"one")], "outputs": [{"name": "mask", "parameters": {"classification": 3}}]}, "classif"),
        ({"inputs": [ENCODED | {"parameters": {"binary_data_size": -1}}]}, "a number of bytes"),
        ({"inputs": [ENCODED | {"parameters": {"binary_data_size": "7"}}]}, "a number of bytes"),
        ({"inputs": [ENCODED | {"parameters": {"binary_data_size": True}}]}, "a number of bytes"),
    ],
)
def test_what_there_is_not(request_body: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidParameterError, match=words):
        read(request_body)


def test_lengths_that_lie() -> None:
    body, headers = binary(element(b"one"), {"inputs": [dict(ENCODED)]})
    length = int(*headers.values())
    without = json.dumps({"inputs": [in_json(b"one")]}).encode()
    cases: list[tuple[bytes, int | None, str]] = [
        (body + b"x", length, "7, and behind the JSON are 8"),
        (body[:-1], length, "7, and behind the JSON are 6"),
        (body, len(body) + 1, "fewer than"),
        (body, 10**20, "fewer than"),
        (body, length - 1, "no JSON"),
        (body[:length], None, "goes with the header"),
        (without + b"x", None, "no JSON"),
        (without + b"x", len(without), "1 bytes behind"),
    ]
    for content, json_length, words in cases:
        with pytest.raises(MalformedRequestError, match=words):
            read_request(content, json_length, LIMITS)
