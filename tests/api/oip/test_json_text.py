import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.api.oip import json_text
from app.api.oip.json_text import NumberText, read_json
from app.core.errors import MalformedRequestError

TENSOR = '{"inputs": [{"name": "image", "shape": [1, 2], "data": [[1, 2]]}], "outputs": []}'
NUMBERS = st.integers(-1000, 1000) | st.floats(-1000, 1000)
OTHERS = st.none() | st.booleans() | st.text(max_size=8)
ARRAYS = st.lists(st.lists(st.lists(NUMBERS, max_size=3), max_size=3) | NUMBERS, max_size=3)
NAMES = st.sampled_from(["data", "shape", "[", '"', "\\"])
MEMBERS = st.dictionaries(NAMES, NUMBERS | OTHERS | ARRAYS, max_size=3)
JSON = st.dictionaries(NAMES, NUMBERS | OTHERS | ARRAYS | st.lists(OTHERS | MEMBERS, max_size=3), max_size=4)
"""Arrays are of numbers alone, or of anything but arrays."""


def spelt_out(value: Any) -> Any:
    """With numbers in place of their text."""
    if isinstance(value, NumberText):
        return json.loads(value.text)
    if isinstance(value, dict):
        return {name: spelt_out(each) for name, each in value.items()}
    return [spelt_out(each) for each in value] if isinstance(value, list) else value


def test_tensors_stay_text_and_shapes_do_not() -> None:
    assert read_json(TENSOR.encode()) == {
        "inputs": [{"name": "image", "shape": [1, 2], "data": NumberText(b"[[1, 2]]")}],
        "outputs": [],
    }


def test_brackets_and_quotes_in_strings_are_text() -> None:
    text = r'{"id": "[1, 2] \" [3", "a\\": "[", "data": [1], "é": "é"}'
    assert spelt_out(read_json(text.encode())) == json.loads(text)


def test_a_client_cannot_write_what_stands_for_an_array() -> None:
    guessed = {"id": f"{'0' * 64}0", "data": [1, 2]}
    assert spelt_out(read_json(json.dumps(guessed).encode())) == guessed
    assert re.fullmatch(r"[0-9a-f]{64}", json_text._MARK)


@given(JSON)
@settings(suppress_health_check=[HealthCheck.too_slow])  # the first one is, on a busy machine
def test_it_reads_what_json_reads(value: dict[str, Any]) -> None:
    assert spelt_out(read_json(json.dumps(value).encode())) == value


@given(st.binary(max_size=40) | st.text('[]{},:"1 ', max_size=40).map(str.encode))
def test_whatever_comes_is_read_or_refused(data: bytes) -> None:
    try:
        found = read_json(data)
    except MalformedRequestError:
        return
    assert spelt_out(found) == json.loads(data) or b"[" in data


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "is no JSON"),
        (b"[1, 2]", "no object"),
        (b'"text"', "no object"),
        (b"{", "is no JSON"),
        (TENSOR.encode() + b"x", "is no JSON"),
        (b'{"id": "\xff"}', "UTF-8"),
        (b'\xef\xbb\xbf{"id": "a"}', "is no JSON"),
        ('{"id": "a"}'.encode("utf-16"), "UTF-8|is no JSON"),
        (b'{"id": "a}', "without end"),
        (b'{"id": "a\nb"}', "is no JSON"),
        (b'{"id": NaN}', "NaN"),
        (b'{"data": [NaN]}', "NaN"),
        (b'{"data": [1, -Infinity]}', "-Infinity"),
        (b'{"id": 1, "id": 2}', "twice"),
        (b'{"data": [1], "data": [2]}', "twice"),
        (b'{"shape": [01]}', "is no JSON"),
        (b'{"shape": [1, 2}', "is no JSON"),
        (b'{"id": ' + b"1" * 5000 + b"}", "is no JSON"),
        (b'{"a": ' * 5000 + b"1" + b"}" * 5000, "too deeply|characters"),
        (b'{"inputs": ' + b'[{"data": ' * 3000 + b"1" + b"}]" * 3000, "too deeply|characters"),
        (b'{"shape": ' + b"[" * 2000 + b"]" * 2000 + b"}", "long array"),
        (b'{"shape": [' + b"1," * 5000 + b"1]}", "long array"),
        (b'{"data": ' + b"[" * 10_000_000, "no end"),
        (b'{"data": [' + b"]" * 10_000_000, "no end"),
        (b'{"data": ' + b"[1," * 1_000_000 + b'"', "no end"),
        (b'{"a": [' + b"{}," * 100_000 + b"{}]}", "characters beside"),
        (b'{"a": [' + b'"",' * 100_000 + b'""]}', "too many"),
        (b'{"a": ' + b" " * 100_000 + b"1}", "characters beside"),
        (b'{"a": [' + b"true," * 100_000 + b"true]}", "characters beside"),
        (b"1" * 100_000, "characters beside"),
    ],
)
def test_what_is_no_request(text: bytes, words: str) -> None:
    with pytest.raises(MalformedRequestError, match=words):
        read_json(text)


def test_a_tensor_may_be_longer_than_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_text, "STEP", 7)
    for count in (1, 2, 3, 4, 5, 20):
        value = {"data": [[each] * 3 for each in range(count)], "id": "after"}
        assert spelt_out(read_json(json.dumps(value).encode())) == value
