import numpy as np
import pytest
from hypothesis import given, settings
from skimage.measure import label

from app.core.errors import AnswerTooLargeError
from app.imaging.annotations import rings
from app.imaging.annotations.components import connected_components
from app.imaging.annotations.rings import Polygon, Ring, doubled_areas, outlines
from tests.imaging.annotations.drawn import EMPTY, Classes, filled, masks


def traced(classes: Classes) -> tuple[Polygon, ...]:
    return outlines(classes, lambda: connected_components(classes))


def area(ring: Ring) -> int:
    return int(doubled_areas(ring, np.array([0]))[0])


@settings(max_examples=100, deadline=None)
@given(masks)
def test_outlines_give_the_mask_back(classes: Classes) -> None:
    components = connected_components(classes)
    image = components.at(np.arange(classes.size)).reshape(classes.shape)
    polygons = traced(classes)
    assert len(polygons) == components.count
    for number, polygon in enumerate(polygons):
        outside = np.pad(image != number, 1, constant_values=True)
        holes = label(outside, connectivity=1).max() - 1  # type: ignore[no-untyped-call]
        assert len(polygon.holes) == holes
        every = (polygon.exterior, *polygon.holes)
        assert np.array_equal(filled([ring.tolist() for ring in every], classes.shape), image == number)


@settings(max_examples=100, deadline=None)
@given(masks)
def test_rings_are_simple_and_go_the_right_way_round(classes: Classes) -> None:
    for polygon in traced(classes):
        assert area(polygon.exterior) > 0
        assert all(area(hole) < 0 for hole in polygon.holes)
        for ring in (polygon.exterior, *polygon.holes):
            assert len({tuple(vertex) for vertex in ring.tolist()}) == len(ring)
            steps = np.roll(ring, -1, axis=0) - ring
            assert ((steps == 0).sum(axis=1) == 1).all()  # along the grid
            assert ((steps == 0) != (np.roll(steps, 1, axis=0) == 0)).all()  # a turn at every vertex


def test_one_pixel() -> None:
    (polygon,) = traced(np.array([[255, 255], [255, 2]], np.uint8))
    assert polygon.exterior.tolist() == [[1, 1], [2, 1], [2, 2], [1, 2]]
    assert polygon.holes == ()


def test_pixels_that_touch_at_a_corner_stay_apart() -> None:
    first, second = traced(np.array([[0, 255], [255, 0]], np.uint8))
    assert first.exterior.tolist() == [[0, 0], [1, 0], [1, 1], [0, 1]]
    assert second.exterior.tolist() == [[1, 1], [2, 1], [2, 2], [1, 2]]


def test_a_hole_that_touches_the_outside_at_a_corner_is_a_hole() -> None:
    (polygon,) = traced(np.array([[255, 0, 0], [0, 255, 0], [0, 0, 0]], np.uint8))
    assert area(polygon.exterior) == 2 * 8
    assert [area(hole) for hole in polygon.holes] == [-2]


def test_holes_that_touch_are_two() -> None:
    classes = np.zeros((4, 4), np.uint8)
    classes[1, 1] = classes[2, 2] = 255
    (polygon,) = traced(classes)
    assert sorted(area(hole) for hole in polygon.holes) == [-2, -2]


def test_nothing() -> None:
    assert traced(EMPTY) == ()


def test_the_whole_picture() -> None:
    (polygon,) = traced(np.zeros((3, 7), np.uint8))
    assert polygon.exterior.tolist() == [[0, 0], [7, 0], [7, 3], [0, 3]]


def test_too_many_vertices_are_refused_before_they_are_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rings, "MOST_VERTICES", 8)
    traced(np.array([[0, 1]], np.uint8))
    with pytest.raises(AnswerTooLargeError, match="have 12 vertices, more than 8"):
        outlines(np.array([[0, 1, 0]], np.uint8), lambda: pytest.fail("not needed"))
