import numpy as np
from hypothesis import given, settings

from app.imaging.annotations.regions import Regions
from app.imaging.annotations.yolo import lost_holes, yolo_lines
from tests.imaging.annotations.drawn import EMPTY, VECTOR, Classes, filled, mask_of, masks


@settings(max_examples=40, deadline=None)
@given(masks)
def test_lines_give_the_mask_back_but_for_holes(classes: Classes) -> None:
    height, width = classes.shape
    for split in (False, True):
        regions = Regions(mask_of(classes), split)
        drawn = {label.id: np.zeros(classes.shape, np.bool_) for label in (region.label for region in regions.all)}
        for line in yolo_lines(regions):
            class_id, *numbers = line.split(" ")
            assert all(len(number) == 8 and 0 <= float(number) <= 1 for number in numbers)
            ring = np.array(numbers, np.float64).reshape(-1, 2) * (width, height)
            drawn[int(class_id)] |= filled([ring.tolist()], classes.shape)
        for number, pixels in drawn.items():
            if lost_holes(regions) == 0:
                assert np.array_equal(pixels, classes == number)
            assert pixels[classes == number].all()


def test_numbers_are_relative_to_the_picture() -> None:
    (line,) = yolo_lines(Regions(mask_of(VECTOR)))
    assert line == (
        "1 0.250000 0.333333 0.750000 0.333333 0.750000 1.000000 0.500000 1.000000 0.500000 0.666667 0.250000 0.666667"
    )


def test_holes_are_filled_and_counted() -> None:
    classes = np.zeros((5, 9), np.uint8)
    classes[1:3, 2] = classes[1, 5] = 255
    regions = Regions(mask_of(classes))
    assert list(yolo_lines(regions)) == ["0 0.000000 0.000000 1.000000 0.000000 1.000000 1.000000 0.000000 1.000000"]
    assert lost_holes(regions) == 2


def test_nothing() -> None:
    assert list(yolo_lines(Regions(mask_of(EMPTY)))) == []
    assert lost_holes(Regions(mask_of(EMPTY))) == 0
