import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.core.errors import AnswerTooLargeError
from app.imaging.annotations import runs
from app.imaging.annotations.runs import RunsByRegion, lengths_in_turn, row_runs
from tests.imaging.annotations.drawn import Classes, masks


@settings(max_examples=40, deadline=None)
@given(masks)
def test_runs_give_the_mask_back_and_end_with_their_row(classes: Classes) -> None:
    found = row_runs(classes)
    assert np.array_equal(np.repeat(found.values, found.stops - found.starts), classes.ravel())
    width = classes.shape[1]
    assert np.array_equal(found.starts // width, (found.stops - 1) // width)
    same_row = found.starts[1:] % width != 0
    assert (found.values[1:] != found.values[:-1])[same_row].all()


def test_a_mask_of_noise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MOST_RUNS", 6)
    row_runs(np.array([[0, 1, 0], [1, 0, 1]], np.uint8))
    with pytest.raises(AnswerTooLargeError, match="has 7 runs of equal pixels"):
        row_runs(np.array([[0, 1, 0, 0], [1, 0, 1, 0]], np.uint8))


def test_runs_of_a_region() -> None:
    grouped = RunsByRegion(np.array([0, 4, 6]), np.array([4, 6, 9]), np.array([7, -1, 7]))
    assert [part.tolist() for part in grouped.of(7)] == [[0, 6], [4, 9]]
    assert [part.tolist() for part in grouped.of(3)] == [[], []]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_lengths_in_turn(pixels: list[bool]) -> None:
    ones = np.flatnonzero(pixels)
    lengths = lengths_in_turn(ones, ones + 1, len(pixels))  # every run of one pixel: those that touch become one
    assert np.repeat(np.arange(len(lengths)) % 2 == 1, lengths).tolist() == pixels
    assert (lengths[1:] > 0).all()


@pytest.mark.parametrize(
    ("starts", "stops", "expected"), [([], [], [5]), ([0], [5], [0, 5]), ([1, 3], [3, 4], [1, 3, 1])]
)
def test_lengths_at_the_edges(starts: list[int], stops: list[int], expected: list[int]) -> None:
    def indices(values: list[int]) -> NDArray[np.int64]:
        return np.array(values, np.int64)

    assert lengths_in_turn(indices(starts), indices(stops), 5).tolist() == expected
