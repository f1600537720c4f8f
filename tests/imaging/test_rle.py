import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from app.imaging.rle import CocoRle, coco_rle


def decompressed(counts: str) -> list[int]:
    """Run lengths of COCO's compressed string, character by character as maskApi.c's rleFrString reads it."""
    runs: list[int] = []
    position = 0
    while position < len(counts):
        value, shift, more = 0, 0, True
        while more:
            group = ord(counts[position]) - 48
            value |= (group & 0x1F) << shift
            more = bool(group & 0x20)
            position += 1
            shift += 5
            if not more and group & 0x10:
                value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
    return runs


def decoded(rle: CocoRle) -> NDArray[np.bool_]:
    height, width = rle["size"]
    pixels: list[bool] = []
    for number, run in enumerate(decompressed(rle["counts"])):
        pixels += [number % 2 == 1] * run
    return np.array(pixels, np.bool_).reshape(width, height).T


def test_conformance_vector() -> None:
    mask = np.array([[0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0]], np.bool_)
    assert coco_rle(mask) == {"size": [3, 4], "counts": "41211"}
    assert decompressed("41211") == [4, 1, 2, 2, 3]


@pytest.mark.parametrize(
    ("mask", "runs"),
    [
        (np.zeros((2, 3), np.bool_), [6]),
        (np.ones((2, 3), np.bool_), [0, 6]),
        (np.ones((1, 1), np.bool_), [0, 1]),
        (np.eye(3, dtype=np.bool_), [0, 1, 3, 1, 3, 1]),
        (np.zeros((65_000, 1), np.bool_), [65_000]),
    ],
)
def test_runs_start_with_zeros_and_go_down_the_columns(mask: NDArray[np.bool_], runs: list[int]) -> None:
    assert decompressed(coco_rle(mask)["counts"]) == runs


@settings(max_examples=200, deadline=None)
@given(hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40)))
def test_round_trip(mask: NDArray[np.bool_]) -> None:
    np.testing.assert_array_equal(decoded(coco_rle(mask)), mask)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 30_000), min_size=1, max_size=12))
def test_long_runs_and_negative_differences_round_trip(runs: list[int]) -> None:
    column = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    assert decompressed(coco_rle(column[:, np.newaxis])["counts"]) == runs


def test_mask_of_any_memory_order() -> None:
    mask = np.random.default_rng(3).random((17, 9)) > 0.5
    assert coco_rle(np.asfortranarray(mask)) == coco_rle(mask)
