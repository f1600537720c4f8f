import json
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.oip import pixels
from app.api.oip.pixels import PixelType, read_pixels, require_pixels
from app.core.errors import InvalidParameterError

SHAPES = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)


def read(text: str, shape: tuple[int, ...] = (2, 2), datatype: PixelType = "UINT8") -> Any:
    return read_pixels(text.encode(), shape, datatype, "image.data").tolist()


@pytest.mark.parametrize("text", ["[1,2,3,255]", "[[1,2],[3,255]]", " [ 1 ,\n2,3 , 255\t]", "[ [1, 2 ] ,[ 3,255]\r\n]"])
def test_flat_or_nested(text: str) -> None:
    assert read(text.strip()) == [[1, 2], [3, 255]]


def test_fractions_are_for_fp32() -> None:
    assert read("[0.5, 1e2, 2.5E+1, 255]", datatype="FP32") == [[0.5, 100.0], [25.0, 255.0]]


@given(shape=SHAPES, nested=st.booleans(), fractions=st.booleans(), data=st.data())
def test_what_was_written_is_read(shape: tuple[int, ...], nested: bool, fractions: bool, data: st.DataObject) -> None:
    count = int(np.prod(shape))
    numbers = st.floats(0, 255, width=32) if fractions else st.integers(0, 255)
    values = np.array(data.draw(st.lists(numbers, min_size=count, max_size=count))).reshape(shape)
    text = json.dumps(values.tolist() if nested else values.ravel().tolist(), separators=data.draw(_SEPARATORS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pixels, "STEP", data.draw(st.integers(1, 50)))
        found = read_pixels(text.encode(), shape, "FP32" if fractions else "UINT8", "image.data")
    np.testing.assert_array_equal(found, values)
    assert found.dtype == (np.float32 if fractions else np.uint8)


_SEPARATORS = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", ": ")])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1,2,3]", "neither 4"),
        ("[1,2,3,4,5]", "neither 4"),
        ("[[1,2],[3]]", "neither 4"),
        ("[,,,   ]", "numbers of JSON"),
        ("[[1,2],[3,4],[]]", "neither 4"),
        ("[[1,2,3,4]]", "neither 4"),
        ("[1,[2],3,4]", "neither 4"),
        ("[[1,2],[3,4]", "neither 4"),
        ("[]", "not the 4 numbers"),
        ("[,,,]", "not the 4 numbers"),
        ("[1,,3,4]", "numbers of JSON"),
        ("[1 2,3,4,5]", "numbers of JSON"),
        ("[1[,2],3]", "neither 4"),
        ("[1[2,3],[4,5]]", "beside|neither"),
        ("[[1,2]3,[4,5]]", "beside|neither"),
        ("[[1,2],[3,4]-5]", "beside|neither|numbers"),
        ("[01,2,3,4]", "numbers of JSON"),
        ("[1.,2,3,4]", "numbers of JSON"),
        ("[+1,2,3,4]", "numbers of JSON"),
        ("[1,2,3,1e]", "numbers of JSON"),
        ("[1,2,3,256]", "from 0 to 255"),
        ("[1,2,3,-1]", "from 0 to 255"),
        ("[1,2,3,4.0]", "whole numbers"),
        ("[1,2,3,99999999999999999999999]", "from 0 to 255"),
        ("[1,2,3,18446744073709551615]", "from 0 to 255"),
        ("[1,2,3,1e999]", "from 0 to 255|whole|numbers of JSON"),
    ],
)
def test_what_is_no_tensor_of_that_shape(text: str, words: str) -> None:
    with pytest.raises(InvalidParameterError, match=words) as caught:
        read(text)
    assert caught.value.parameter == "image.data"


@pytest.mark.parametrize("number", ["-0.001", "255.01", "1e999", "-1e999", "1e39"])
def test_fractions_beyond_a_pixel(number: str) -> None:
    with pytest.raises(InvalidParameterError):
        read(f"[1,2,3,{number}]", datatype="FP32")


def test_spaces_longer_than_a_step_hide_no_missing_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "STEP", 4)
    with pytest.raises(InvalidParameterError, match=r"missing|numbers of JSON"):
        read("[1,2,3,        ]")
    with pytest.raises(InvalidParameterError, match=r"missing|numbers of JSON"):
        read("[1,          ,2,3]")


@pytest.mark.parametrize("shape", [(2**63, 4), (10**9, 10**9, 10**9, 3), (6, 1)])
def test_a_shape_is_believed_only_as_far_as_there_is_text(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidParameterError, match="not the"):
        read("[1,2,3,4]", shape)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -1.0, 255.5])
def test_binary_pixels_are_looked_at_too(value: float) -> None:
    require_pixels(np.array([0, 255], np.float32), "image")
    with warnings.catch_warnings(), pytest.raises(InvalidParameterError, match="from 0 to 255"):
        require_pixels(np.array([0, value], np.float32), "image")
