import base64
from typing import Any

import numpy as np
import pytest

from app.api.oip.json_text import NumberText
from app.api.oip.schemas import InputBody
from app.api.oip.tensors import TensorLimits, read_tensor
from app.core.errors import InvalidParameterError, MalformedRequestError, TooManyPartsError
from tests.api.oip.wire import element

LIMITS = TensorLimits((2, 3), 4)
PIXELS = np.arange(36, dtype=np.uint8).reshape(2, 2, 3, 3)


def tensor(name: str = "image", datatype: str = "UINT8", shape: Any = (2, 2, 3, 3), data: Any = None) -> InputBody:
    return InputBody(name=name, datatype=datatype, shape=list(shape), data=data)


def read(body: InputBody, raw: bytes | None = None) -> Any:
    return read_tensor(body, None if raw is None else memoryview(raw), LIMITS)


@pytest.mark.parametrize(("datatype", "dtype"), [("UINT8", "<u1"), ("FP32", "<f4")])
def test_pixels(datatype: str, dtype: str) -> None:
    values = PIXELS.astype(dtype)
    for found in (
        read(tensor(datatype=datatype), values.tobytes()),
        read(tensor(datatype=datatype, data=NumberText(str(PIXELS.tolist()).encode()))),
    ):
        np.testing.assert_array_equal(found, values)
        assert {each.dtype for each in found} == {np.dtype(dtype)}


@pytest.mark.parametrize("name", ["encoded_image", "image"])
def test_encoded_pictures(name: str) -> None:
    pictures = [b"one", b"", b"\0\xff"]
    body = tensor(name, "BYTES", [3])
    assert read(body, b"".join(map(element, pictures))) == pictures
    texts = [base64.b64encode(each).decode() for each in pictures]
    assert read(tensor(name, "BYTES", [3], texts)) == pictures


@pytest.mark.parametrize(
    ("body", "raw", "words"),
    [
        (tensor("other"), b"", "there is no 'other'"),
        (tensor("x" * 200), b"", "there is no"),
        (tensor("encoded_image"), b"", "BYTES"),
        (tensor(datatype="INT8"), b"", "UINT8, FP32"),
        (tensor(datatype="uint8"), b"", "UINT8, FP32"),
        (tensor(data=NumberText(b"[1]")), b"1", "either"),
        (tensor(), None, "either"),
        (tensor(shape=[2, 3, 3]), b"1" * 18, r"\[N, 2, 3, 3\]"),
        (tensor(shape=[2, 3, 2, 3]), b"1" * 36, r"\[N, 2, 3, 3\]"),
        (tensor(shape=[0, 2, 3, 3]), b"", "at least 1"),
        (tensor(shape=[-1, 2, 3, 3]), b"", "at least 1"),
        (tensor(shape=[2, 2, -3, -3]), b"1" * 36, r"\[N, 2, 3, 3\]"),
        (tensor(data=["1"] * 36), None, "array of numbers"),
        (tensor(data="1"), None, "array of numbers"),
        (tensor(data=True), None, "array of numbers"),
        (tensor("encoded_image", "BYTES", [0]), b"", "at least 1"),
        (tensor("encoded_image", "BYTES", [-1]), element(b""), "at least 1"),
        (tensor("encoded_image", "BYTES", [1, 1]), element(b""), r"\[N\]"),
        (tensor("encoded_image", "BYTES", []), element(b""), r"\[N\]"),
        (tensor("encoded_image", "BYTES", [1], NumberText(b"[1]")), None, "Base64"),
        (tensor("encoded_image", "BYTES", [1], [1]), None, "Base64"),
        (tensor("encoded_image", "BYTES", [1], [["AA=="]]), None, "Base64"),
        (tensor("encoded_image", "BYTES", [1], ["data:image/png;base64,AA=="]), None, "Base64"),
        (tensor("encoded_image", "BYTES", [1], ["A"]), None, "Base64"),
        (tensor("encoded_image", "BYTES", [1], ["é"]), None, "Base64"),
        (tensor("encoded_image", "BYTES", [2], ["AA=="]), None, r"1 element\(s\), and its shape says 2"),
    ],
)
def test_what_a_tensor_cannot_be(body: InputBody, raw: bytes | None, words: str) -> None:
    with pytest.raises(InvalidParameterError, match=words):
        read(body, raw)


@pytest.mark.parametrize(
    ("body", "raw", "words"),
    [
        (tensor(), b"1" * 35, "35 bytes"),
        (tensor(), b"1" * 37, "37 bytes"),
        (tensor(datatype="FP32"), b"1" * 36, "takes 144"),
        (tensor("encoded_image", "BYTES", [1]), b"", "before the length of element 0"),
        (tensor("encoded_image", "BYTES", [1]), b"\1\0\0", "before the length of element 0"),
        (tensor("encoded_image", "BYTES", [2]), element(b"one"), "before the length of element 1"),
        (tensor("encoded_image", "BYTES", [1]), b"\4\0\0\0one", "longer than what is left"),
        (tensor("encoded_image", "BYTES", [1]), b"\xff\xff\xff\xffone", "longer than what is left"),
        (tensor("encoded_image", "BYTES", [1]), element(b"one") + b"x", "1 bytes after"),
        (tensor("encoded_image", "BYTES", [1]), element(b"one") * 2, "7 bytes after"),
    ],
)
def test_lengths_that_lie(body: InputBody, raw: bytes, words: str) -> None:
    with pytest.raises(MalformedRequestError, match=words):
        read(body, raw)


@pytest.mark.parametrize("count", [5, 2**31, 2**63, 10**30])
def test_too_many_pictures(count: int) -> None:
    with pytest.raises(TooManyPartsError, match="over 4 pictures"):
        read(tensor(shape=[count, 2, 3, 3]), b"1" * 36)
    with pytest.raises(TooManyPartsError, match="over 4 pictures"):
        read(tensor("encoded_image", "BYTES", [count]), element(b""))


@pytest.mark.parametrize("value", [np.nan, np.inf, -1, 256])
def test_values_that_no_pixel_has(value: float) -> None:
    values = PIXELS.astype("<f4")
    values[1, 1, 2, 2] = value
    with pytest.raises(InvalidParameterError, match="from 0 to 255"):
        read(tensor(datatype="FP32"), values.tobytes())
