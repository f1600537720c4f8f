"""Rings of fewer vertices, within a tolerance (Douglas and Peucker, 1973), all rings of a mask at a time."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.imaging.annotations.rings import Polygon, Ring, doubled_areas
from app.imaging.annotations.runs import Indices

_FARTHEST_FIRST = 32
"""Rounds in which a stretch is cut at its farthest vertex; then in the middle, so that no outline needs very many."""


def simplified(rings: Sequence[Ring], tolerance: float, anchors: Sequence[Indices] | None = None) -> list[Ring]:
    """Leaves out vertices that are no farther than the tolerance from the line that is left.

    Every vertex that stays was there before. A ring that would collapse or turn inside out stays as it is: no region
    and no hole gets lost. Rings may touch or cross afterwards.

    Args:
        rings: (n, 2) int64 each, n ≥ 4.
        tolerance: in pixels; 0 changes nothing.
        anchors: for each ring the positions of vertices that stay whatever the tolerance.
    """
    if tolerance <= 0.0 or not rings:
        return list(rings)
    closed = [np.concatenate((ring, ring[:1])) for ring in rings]
    offsets = np.cumsum([0] + [len(ring) for ring in closed])
    cuts = [_first_cuts(ring, () if anchors is None else anchors[number]) for number, ring in enumerate(closed)]
    begins = np.concatenate([cut[:-1] + offset for cut, offset in zip(cuts, offsets[:-1], strict=True)])
    ends = np.concatenate([cut[1:] + offset for cut, offset in zip(cuts, offsets[:-1], strict=True)])
    kept = _kept(np.concatenate(closed).astype(np.float64), begins, ends, tolerance)
    fewer = [ring[kept[offset : offset + len(ring)]] for ring, offset in zip(rings, offsets[:-1], strict=True)]
    sound = np.sign(_areas(fewer)) == np.sign(_areas(rings))
    return [new if good else ring for new, ring, good in zip(fewer, rings, sound.tolist(), strict=True)]


def simplified_polygons(polygons: Sequence[Polygon], tolerance: float) -> list[Polygon]:
    """The same with all rings of polygons."""
    if tolerance <= 0.0:
        return list(polygons)
    rings = iter(simplified([ring for each in polygons for ring in (each.exterior, *each.holes)], tolerance))
    return [Polygon(next(rings), tuple(next(rings) for _ in each.holes)) for each in polygons]


def _areas(rings: Sequence[Ring]) -> Indices:
    return doubled_areas(np.concatenate(rings), np.cumsum([0] + [len(ring) for ring in rings[:-1]]))


def _first_cuts(closed: Ring, anchors: Sequence[int] | Indices) -> Indices:
    """Positions in a closed ring that stay: its ends, its anchors, and what is farthest from its ends."""
    farthest = int(np.abs(closed - closed[0]).sum(axis=1).argmax())
    return np.unique(np.array([0, *anchors, farthest, len(closed) - 1], np.int64))


def _kept(vertices: NDArray[np.float64], begins: Indices, ends: Indices, tolerance: float) -> NDArray[np.bool_]:
    """(n,) bool: which vertices stay, of stretches between `begins` and `ends`, which all stay."""
    kept = np.zeros(len(vertices), np.bool_)
    kept[begins] = kept[ends] = True
    rounds = 0
    while True:
        inside = ends - begins > 1
        begins, ends = begins[inside], ends[inside]
        if not len(begins):
            return kept
        first = np.cumsum(ends - begins - 1) - (ends - begins - 1)
        of = np.repeat(np.arange(len(begins)), ends - begins - 1)
        between = np.arange(len(of)) - first[of] + begins[of] + 1
        distances = _distances(vertices[between], vertices[begins][of], vertices[ends][of])
        largest = np.maximum.reduceat(distances, first)
        cut = largest > tolerance
        if rounds < _FARTHEST_FIRST:
            at_largest = np.where(distances == largest[of], np.arange(len(of)), len(of))
            middle = between[np.minimum.reduceat(at_largest, first)]
        else:
            middle = (begins + ends) // 2
        kept[middle[cut]] = True
        begins, ends = np.concatenate((begins[cut], middle[cut])), np.concatenate((middle[cut], ends[cut]))
        rounds += 1


def _distances(
    points: NDArray[np.float64], begins: NDArray[np.float64], ends: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(n,) float64: of points (n, 2) from the stretches of line between `begins` and `ends` (n, 2)."""
    along, from_begin = ends - begins, points - begins
    squared = (along**2).sum(axis=1)
    position = np.clip((from_begin * along).sum(axis=1) / np.where(squared, squared, 1.0), 0.0, 1.0)
    distances: NDArray[np.float64] = np.hypot(*(from_begin - position[:, np.newaxis] * along).T)
    return distances
