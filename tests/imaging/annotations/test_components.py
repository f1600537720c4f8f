import numpy as np
from hypothesis import given, settings
from skimage.measure import label

from app.core.labels import UNDECIDED
from app.imaging.annotations.components import connected_components
from tests.imaging.annotations.drawn import EMPTY, Classes, masks


def numbers(classes: Classes) -> list[list[int]]:
    found = connected_components(classes)
    image = np.repeat(found.numbers, found.runs.stops - found.runs.starts).reshape(classes.shape)
    assert np.array_equal(found.at(np.arange(classes.size)).reshape(classes.shape), image)
    assert found.count == image.max() + 1
    return [list(map(int, row)) for row in image]


@settings(max_examples=60, deadline=None)
@given(masks)
def test_as_scikit_image_finds_them(classes: Classes) -> None:
    theirs = label(classes.astype(np.int16) + 1, background=UNDECIDED + 1, connectivity=1) - 1  # type: ignore[no-untyped-call]
    assert numbers(classes) == theirs.tolist()


def test_corners_do_not_connect_and_numbers_follow_the_first_pixels() -> None:
    assert numbers(np.array([[0, 1, 1], [1, 0, 1], [1, 0, 255]], np.uint8)) == [[0, 1, 1], [2, 3, 1], [2, 3, -1]]


def test_parts_that_meet_late() -> None:
    comb = np.full((60, 81), UNDECIDED, np.uint8)
    comb[:, ::2] = 0
    comb[-1] = 0
    spiral = np.array([[0, 0, 0, 0, 0], [1, 1, 1, 1, 0], [0, 0, 0, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]], np.uint8)
    assert connected_components(comb).count == 1
    assert connected_components(spiral).count == 2


def test_nothing() -> None:
    assert connected_components(EMPTY).count == 0
