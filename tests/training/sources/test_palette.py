import numpy as np
import pytest
from skimage.color import rgb2lab

from app.training.sources.palette import BACKGROUND, OKABE_ITO, SHOWN_OTHERWISE, distinct_colours


def nearest(colours: list[tuple[int, int, int]]) -> float:
    """Smallest distance of two colours in CIELAB, by scikit-image."""
    lab = rgb2lab(np.array(colours)[None] / 255)[0]
    distances = np.linalg.norm(lab[:, None] - lab[None], axis=-1)
    return float(distances[~np.eye(len(lab), dtype=bool)].min())


def test_the_first_are_those_of_okabe_and_ito() -> None:
    assert distinct_colours(3) == list(OKABE_ITO[:3])
    assert distinct_colours(0) == []


@pytest.mark.parametrize(("count", "apart"), [(7, 21), (20, 20), (50, 12), (254, 4.9)])
def test_they_are_apart(count: int, apart: float) -> None:
    colours = distinct_colours(count, [BACKGROUND])
    assert len(set(colours)) == count
    assert nearest([*colours, BACKGROUND, *SHOWN_OTHERWISE]) > apart


def test_more_begin_like_fewer() -> None:
    assert distinct_colours(40)[:15] == distinct_colours(15)


def test_colours_that_are_taken_are_kept_away_from() -> None:
    taken = [OKABE_ITO[0], (0, 0, 255)]
    colours = distinct_colours(12, taken)
    assert OKABE_ITO[0] not in colours
    assert colours[0] == OKABE_ITO[1]
    assert nearest([*colours, *taken]) > 20


def test_numbers_are_plain() -> None:
    assert {type(part) for colour in distinct_colours(30) for part in colour} == {int}
