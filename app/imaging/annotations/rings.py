"""Outlines of a mask: rings whose vertices are corners of pixels, so that they give the mask back pixel by pixel.

Coordinates are those of the picture: x to the right, y down, the origin at the outer corner of the first pixel. Filling
is even-odd; besides, outer rings have a positive area and holes a negative one, which is what RFC 7946, section 3.1.6,
asks of the numbers. Each outer ring is that of a 4-connected component: rings never cross, two may meet at a corner.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.errors import AnswerTooLargeError
from app.core.labels import UNDECIDED
from app.imaging.annotations.components import Components
from app.imaging.annotations.runs import Indices

Ring = NDArray[np.int64]
"""(n, 2) int64: x and y of the vertices; the first is not repeated."""

MOST_VERTICES = 500_000
"""Of all outlines of a mask; more have only masks of noise, and large ones of very many parts."""


@dataclass(frozen=True)
class Polygon:
    """A connected component's outline.

    Args:
        exterior: its outer ring.
        holes: the rings of its holes.
    """

    exterior: Ring
    holes: tuple[Ring, ...]


def outlines(classes: NDArray[np.uint8], components: Callable[[], Components]) -> tuple[Polygon, ...]:
    """The outline of each component, in the order of their numbers.

    Args:
        classes: (H, W) uint8, class ids, 255 where undecided.
        components: gives those of that mask; asked once it is known that there are not too many corners.

    Raises:
        AnswerTooLargeError: more than `MOST_VERTICES` vertices.
    """
    corners = _corners(classes, components)
    rings = list(_rings(corners))
    if not rings:
        return ()
    first = np.cumsum([0] + [len(ring) for ring in rings[:-1]])
    order = np.concatenate(rings)
    vertices = np.stack((corners.x[order], corners.y[order]), axis=1)
    component = corners.component[order[first]]
    hole = doubled_areas(vertices, first) < 0
    parts = np.split(vertices, first[1:])
    exteriors: dict[int, Ring] = {}
    holes: dict[int, list[Ring]] = {}
    for part, number, inner in zip(parts, component.tolist(), hole.tolist(), strict=True):
        if inner:
            holes.setdefault(number, []).append(part)
        else:
            exteriors[number] = part
    return tuple(Polygon(exteriors[number], tuple(holes.get(number, ()))) for number in sorted(exteriors))


@dataclass(frozen=True)
class _Corners:
    """Turns of outlines, (n,) each; where pixels of a component meet at a corner only, there are two at one point.

    Args:
        x: column of the point, 0–W.
        y: row of the point, 0–H.
        component: whose outline turns.
        goes_right: whether the outline's horizontal edge is to the right of the point, else to the left.
        goes_down: whether its vertical edge is below the point, else above.
        leaves_along: whether the horizontal edge leads away from the point, else the vertical one.
    """

    x: Indices
    y: Indices
    component: Indices
    goes_right: NDArray[np.bool_]
    goes_down: NDArray[np.bool_]
    leaves_along: NDArray[np.bool_]


def _corners(classes: NDArray[np.uint8], components: Callable[[], Components]) -> _Corners:
    """All corners, by looking at each 2×2 pixels; raises as `outlines`."""
    height, width = classes.shape
    padded = np.full((height + 2, width + 2), UNDECIDED, np.uint8)
    padded[1:-1, 1:-1] = classes
    quarters = (padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:])
    points = np.flatnonzero(_turning(*quarters))
    y, x = np.divmod(points, width + 1)
    around = np.stack([quarter[y, x] for quarter in quarters])
    found = []
    for quarter in range(4):
        # 0 1   the pixel itself, and as seen from it: beside it, above or below it, across the point
        # 2 3
        own, beside, above, across = around[[quarter, quarter ^ 1, quarter ^ 2, quarter ^ 3]]
        decided = own != UNDECIDED
        convex = decided & (own != beside) & (own != above)
        reflex = decided & (own == beside) & (own == above) & (own != across)
        for chosen, odd, turn in ((convex, quarter, True), (reflex, quarter ^ 3, False)):
            at = np.flatnonzero(chosen)
            found.append((x[at], y[at], _sides(len(at), quarter, odd, turn)))
    count = sum(len(each[0]) for each in found)
    if count > MOST_VERTICES:
        raise AnswerTooLargeError(
            f"the outlines of this mask have {count:,} vertices, more than {MOST_VERTICES:,}: "
            "ask for fewer classes, or for run lengths"
        )
    x, y = (np.concatenate([each[axis] for each in found]) for axis in (0, 1))
    right, down, along, pixel_x, pixel_y = np.concatenate([each[2] for each in found], axis=1)
    component = components().at((y + pixel_y - 1) * width + x + pixel_x - 1)
    # In order of component and point: an outline begins at the leftmost of its topmost corners.
    order = np.lexsort((x, y, component))
    return _Corners(
        x[order], y[order], component[order], *(side[order].astype(np.bool_) for side in (right, down, along))
    )


def _turning(
    a: NDArray[np.uint8], b: NDArray[np.uint8], c: NDArray[np.uint8], d: NDArray[np.uint8]
) -> NDArray[np.bool_]:
    """Points around which the pixels a b above c d are not the same left and right, nor the same above and below."""
    turning: NDArray[np.bool_] = a != b
    turning |= c != d
    other = a != c
    other |= b != d
    turning &= other
    return turning


def _sides(count: int, quarter: int, odd: int, convex: bool) -> NDArray[np.int64]:
    """(5, count): goes right, goes down, leaves along; and where the component's pixel is: right, below the point.

    Args:
        count: how many.
        quarter: place of the component's pixel around the point: 0 1 above 2 3.
        odd: the place that is unlike the others.
        convex: whether that one alone belongs to the component; else it alone does not.
    """
    along = (odd in (0, 3)) == convex
    column = np.array([odd & 1, odd >> 1, along, quarter & 1, quarter >> 1], np.int64)
    return np.broadcast_to(column[:, np.newaxis], (5, count))


def _rings(corners: _Corners) -> Iterator[list[int]]:
    """Numbers of the corners of each ring, in turn."""
    following, pinched = _following(corners).tolist(), _pinched(corners).tolist()
    visited = bytearray(len(following))
    for first in range(len(following)):
        if visited[first]:
            continue
        ring, corner, pinches = [], first, False
        while not visited[corner]:
            visited[corner] = 1
            ring.append(corner)
            pinches = pinches or pinched[corner] >= 0
            corner = following[corner]
        if pinches:
            yield from _taken_apart(ring, pinched)
        else:
            yield ring


def _following(corners: _Corners) -> Indices:
    """(n,) int64: the corner that follows each on its outline.

    On a line of the grid the edges of a component's outlines do not overlap: sorted, each begin belongs to an end.
    """
    width, height = int(corners.x.max(initial=0)) + 1, int(corners.y.max(initial=0)) + 1
    following = np.empty(len(corners.x), np.int64)
    for along, onward, line, place, lines, places in (
        (corners.leaves_along, corners.goes_right, corners.y, corners.x, height, width),
        (~corners.leaves_along, corners.goes_down, corners.x, corners.y, width, height),
    ):
        key = (corners.component * lines + line) * places + place
        begins, ends = np.flatnonzero(onward), np.flatnonzero(~onward)
        begins, ends = begins[np.argsort(key[begins])], ends[np.argsort(key[ends])]
        forward = along[begins]
        following[begins[forward]] = ends[forward]
        following[ends[~forward]] = begins[~forward]
    return following


def _pinched(corners: _Corners) -> Indices:
    """(n,) int64: the same number for the two corners of a component at one point; −1 where there is one."""
    pairs = np.flatnonzero(
        (corners.component[1:] == corners.component[:-1])
        & (corners.y[1:] == corners.y[:-1])
        & (corners.x[1:] == corners.x[:-1])
    )
    pinched = np.full(len(corners.x), -1, np.int64)
    pinched[pairs] = pinched[pairs + 1] = pairs
    return pinched


def _taken_apart(ring: list[int], pinched: list[int]) -> Iterator[list[int]]:
    """Rings that visit no point twice, from one that may."""
    open_ring: list[int] = []
    places: dict[int, int] = {}
    for corner in ring:
        point = pinched[corner]
        if point >= 0 and point in places:
            place = places[point]
            closed = open_ring[place:]
            del open_ring[place:]
            for inner in closed:
                places.pop(pinched[inner], None)
            yield closed
        if point >= 0:
            places[point] = len(open_ring)
        open_ring.append(corner)
    yield open_ring


def doubled_areas(vertices: Ring, first: Indices) -> Indices:
    """(rings,) int64: twice the signed area of each ring; they begin at `first`, one after the other."""
    following = np.roll(vertices, -1, axis=0)
    last = np.append(first[1:], len(vertices)) - 1
    following[last] = vertices[first]
    return np.add.reduceat(vertices[:, 0] * following[:, 1] - following[:, 0] * vertices[:, 1], first)
