import numpy as np
from hypothesis import given, settings

from app.imaging.annotations.bridges import bridged
from app.imaging.annotations.components import connected_components
from app.imaging.annotations.rings import outlines
from tests.imaging.annotations.drawn import Classes, filled, masks


@settings(max_examples=100, deadline=None)
@given(masks)
def test_one_ring_has_the_same_pixels_inside(classes: Classes) -> None:
    components = connected_components(classes)
    image = components.at(np.arange(classes.size)).reshape(classes.shape)
    for number, polygon in enumerate(outlines(classes, lambda: components)):
        ring, ends = bridged(polygon)
        assert np.array_equal(filled([ring.tolist()], classes.shape), image == number)
        steps = np.roll(ring, -1, axis=0) - ring
        assert ((steps == 0).sum(axis=1) == 1).all()
        assert (len(ends) > 0) == (len(polygon.holes) > 0)


def test_cuts_lead_to_the_left_and_end_where_it_is_said() -> None:
    classes = np.zeros((5, 7), np.uint8)
    classes[1:3, 3:5] = 255
    (polygon,) = outlines(classes, lambda: connected_components(classes))
    ring, ends = bridged(polygon)
    cut = [[0, 1], [3, 1], [3, 1], [0, 1]]
    assert sorted(ring[ends].tolist()) == sorted(cut)
    assert len(ring) == 4 + 4 + 3


def test_a_thousand_holes_in_a_row() -> None:
    classes = np.zeros((3, 2001), np.uint8)
    classes[1, 1::2] = 255
    (polygon,) = outlines(classes, lambda: connected_components(classes))
    assert len(polygon.holes) == 1000
    assert np.array_equal(filled([bridged(polygon)[0].tolist()], classes.shape), classes == 0)
