import importlib.util
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco

from app.core.errors import TrainingError
from app.imaging.rle import coco_rle
from app.training.sources.segments import segment
from tests.training.drawn_pets import Array

SIZE = (40, 30)


def shapes() -> list[Array]:
    """Masks with few and many runs, empty and full ones, and such as begin with a one."""
    random = np.random.default_rng(3)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    return [
        np.hypot(y - 20, x - 14) < 11,
        random.uniform(size=SIZE) < 0.5,
        np.zeros(SIZE, bool),
        np.ones(SIZE, bool),
        (y == 0) & (x == 0),
        (y == 39) & (x == 29),
        x < 2,
    ]


def numbers(pixels: Array) -> list[int]:
    """Uncompressed runs."""
    flat = pixels.ravel(order="F")
    edges = np.flatnonzero(np.diff(flat, prepend=False)).tolist()
    runs: list[int] = np.diff([0, *edges, flat.size]).tolist()
    return runs


@pytest.mark.parametrize("pixels", shapes())
def test_runs_as_pycocotools_writes_them(pixels: Array) -> None:
    rle = coco.encode(np.asfortranarray(pixels.astype(np.uint8)))
    assert np.array_equal(segment({"size": list(SIZE), "counts": rle["counts"].decode()}, SIZE), pixels)
    assert np.array_equal(segment({"size": list(SIZE), "counts": numbers(pixels)}, SIZE), pixels)


def test_long_runs() -> None:
    wide = np.zeros((3000, 2500), bool)
    wide[:, 2000:] = True
    rle = coco.encode(np.asfortranarray(wide.astype(np.uint8)))
    assert np.array_equal(segment({"size": [3000, 2500], "counts": rle["counts"].decode()}, (3000, 2500)), wide)


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**81 - 1))
def test_what_serving_writes_is_read(height: int, width: int, bits: int) -> None:
    pixels = np.array([bits >> place & 1 for place in range(height * width)], bool).reshape(height, width)
    assert np.array_equal(segment(coco_rle(pixels), (height, width)), pixels)


def test_polygons_as_pycocotools_draws_them() -> None:
    polygons = [[2.0, 3.0, 20.5, 3.0, 11.0, 30.25], [18, 25, 45, 25, 45, 60, 18, 60]]  # the second leaves the picture
    expected = coco.decode(coco.merge(coco.frPyObjects(polygons, *SIZE)))
    found = segment(polygons, SIZE)
    assert found.dtype == bool
    assert found.any()
    assert np.array_equal(found, expected)


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        (None, "no segmentation: neither polygons nor runs"),
        ([], "no segmentation"),
        ("abc", "no segmentation"),
        ([[1, 2, 3, 4]], "a polygon of 4 numbers: at least three corners, each x and y, are 6"),
        ([[1, 2, 3, 4, 5, 6, 7]], "a polygon of 7 numbers"),
        ([[]], "a polygon of 0 numbers"),
        ([1, 2, 3, 4, 5, 6], "a polygon is a list of finite numbers"),
        ([[[1, 2], [3, 4], [5, 6]]], "a polygon is a list of finite numbers"),
        ([["1", 2, 3, 4, 5, 6]], "a polygon is a list of finite numbers"),
        ([[float("nan"), 2, 3, 4, 5, 6]], "a polygon is a list of finite numbers"),
        ([[float("inf"), 2, 3, 4, 5, 6]], "a polygon is a list of finite numbers"),
        ([[10**400, 2, 3, 4, 5, 6]], "a polygon is a list of finite numbers"),
        ([[5000.0, 2, 3, 4, 5, 6]], "a corner far outside of the picture of 30×40 pixels"),
        ([[0, 2, 3, 4, 5, -41]], "a corner far outside"),
        ({}, r"its runs are of size None, but the picture has \[40, 30\]"),
        ({"size": [30, 40], "counts": [1200]}, r"its runs are of size \[30, 40\], but the picture has \[40, 30\]"),
        ({"size": [40, 30]}, "`counts` is neither text nor a list"),
        ({"size": [40, 30], "counts": [1200.0]}, "`counts` is neither text nor a list"),
        ({"size": [40, 30], "counts": [-1, 1201]}, "`counts` is neither text nor a list"),
        ({"size": [40, 30], "counts": [2**40]}, "`counts` is neither text nor a list"),
        ({"size": [40, 30], "counts": [1199]}, "its runs add up to 1199 pixels, but the picture has 1200"),
        ({"size": [40, 30], "counts": [1199, 2]}, "its runs add up to 1201 pixels"),
        ({"size": [40, 30], "counts": []}, "its runs add up to 0 pixels"),
        ({"size": [40, 30], "counts": ""}, "`counts` is no text of COCO's runs, or is cut off"),
        ({"size": [40, 30], "counts": "\0"}, "`counts` is no text"),
        ({"size": [40, 30], "counts": "é"}, "`counts` is no text"),
        ({"size": [40, 30], "counts": "고"}, "adds|add up|no text"),
        ({"size": [40, 30], "counts": "o"}, "or is cut off"),
        ({"size": [40, 30], "counts": "oooooooo0"}, "a number of more than 32 bits"),
        ({"size": [40, 30], "counts": "O"}, "its runs add up to -1 pixels"),
        ({"size": [40, 30], "counts": "1"}, "its runs add up to 1 pixels"),
    ],
)
def test_what_it_is_not(segmentation: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        segment(segmentation, SIZE)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(min_codepoint=40, max_codepoint=115), max_size=12))
def test_any_text_is_all_of_the_pixels_or_refused(text: str) -> None:
    try:
        pixels = segment({"size": [3, 2], "counts": text}, (3, 2))
    except ValueError:
        return
    assert coco_rle(pixels)["size"] == [3, 2]
    assert np.array_equal(pixels, coco.decode({"size": [3, 2], "counts": text}).astype(bool))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.sampled_from(["size", "counts"]), inner),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(ANYTHING)
def test_anything_is_drawn_or_refused(segmentation: Any) -> None:
    if isinstance(segmentation, dict):
        segmentation["size"] = list(SIZE)
    try:
        assert segment(segmentation, SIZE).shape == SIZE
    except ValueError as error:
        assert str(error)  # noqa: PT017  # either of the two


def test_without_pycocotools_polygons_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(TrainingError, match=r'pycocotools: pip install "segserve\[train\]"'):
        segment([[1, 2, 3, 4, 5, 6]], SIZE)
    assert segment({"size": [40, 30], "counts": [1200]}, SIZE).sum() == 0  # runs need nothing
