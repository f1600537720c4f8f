import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.measure import approximate_polygon

from app.imaging.annotations import simplify
from app.imaging.annotations.components import connected_components
from app.imaging.annotations.rings import Polygon, Ring, doubled_areas, outlines
from app.imaging.annotations.simplify import simplified, simplified_polygons
from tests.imaging.annotations.drawn import Classes, masks


def disc(radius: int) -> Polygon:
    rows, columns = np.mgrid[-radius - 1 : radius + 2, -radius - 1 : radius + 2]
    classes = np.where(np.hypot(rows, columns) <= radius, 0, 255).astype(np.uint8)
    (polygon,) = outlines(classes, lambda: connected_components(classes))
    return polygon


def distances(ring: Ring, fewer: Ring) -> NDArray[np.float64]:
    """Of each vertex from the nearest edge of the ring with fewer."""
    found = []
    for begin, end in zip(fewer, np.roll(fewer, -1, axis=0), strict=True):
        along = (end - begin).astype(np.float64)
        position = np.clip((ring - begin) @ along / (along @ along), 0, 1)
        found.append(np.hypot(*(ring - begin - position[:, np.newaxis] * along).T))
    nearest: NDArray[np.float64] = np.min(found, axis=0)
    return nearest


@pytest.mark.parametrize("farthest_first", [0, 3, 32])
@pytest.mark.parametrize("tolerance", [0.5, 1.0, 3.0])
def test_no_vertex_is_farther_than_the_tolerance(
    tolerance: float, farthest_first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simplify, "_FARTHEST_FIRST", farthest_first)
    ring = disc(40).exterior
    (fewer,) = simplified([ring], tolerance)
    assert len(fewer) < len(ring)
    assert distances(ring, fewer).max() <= tolerance
    assert {tuple(vertex) for vertex in fewer.tolist()} < {tuple(vertex) for vertex in ring.tolist()}


def test_as_few_as_scikit_image_leaves() -> None:
    ring = disc(40).exterior
    half = int(np.abs(ring - ring[0]).sum(axis=1).argmax())
    closed = np.concatenate((ring, ring[:1]))
    theirs = [approximate_polygon(part, 1.0) for part in (closed[: half + 1], closed[half:])]  # type: ignore[no-untyped-call]
    assert simplified([ring], 1.0)[0].tolist() == np.concatenate((theirs[0][:-1], theirs[1][:-1])).tolist()


@settings(max_examples=40, deadline=None)
@given(masks, st.sampled_from([0.5, 1.0, 2.0, 100.0]))
def test_no_ring_is_lost_or_turned_inside_out(classes: Classes, tolerance: float) -> None:
    polygons = outlines(classes, lambda: connected_components(classes))
    fewer = simplified_polygons(polygons, tolerance)
    assert [len(polygon.holes) for polygon in fewer] == [len(polygon.holes) for polygon in polygons]
    for polygon in fewer:
        assert doubled_areas(polygon.exterior, np.array([0]))[0] > 0
        assert all(doubled_areas(hole, np.array([0]))[0] < 0 for hole in polygon.holes)


def test_zero_changes_nothing() -> None:
    polygon = disc(9)
    assert simplified([polygon.exterior], 0.0)[0] is polygon.exterior
    assert simplified_polygons([polygon], 0.0) == [polygon]
    assert simplified([], 2.0) == []


def test_anchors_stay() -> None:
    ring = disc(40).exterior
    anchors = np.array([3, 17, 18])
    (fewer,) = simplified([ring], 5.0, [anchors])
    kept = {tuple(vertex) for vertex in fewer.tolist()}
    assert {tuple(vertex) for vertex in ring[anchors].tolist()} <= kept
    assert not {tuple(vertex) for vertex in ring[anchors].tolist()} <= {
        tuple(vertex) for vertex in simplified([ring], 5.0)[0].tolist()
    }
