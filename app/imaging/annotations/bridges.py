"""Polygons with holes as one ring each, for formats whose polygons have none: a cut of no width leads to each hole."""

from collections.abc import Sequence

import numpy as np

from app.imaging.annotations.rings import Polygon, Ring
from app.imaging.annotations.runs import Indices


def bridged(polygon: Polygon) -> tuple[Ring, Indices]:
    """One ring that goes around the polygon and, along cuts there and back, around its holes.

    It has the same pixels inside, by the even-odd and the non-zero rule: what is passed there and back bounds nothing.

    Args:
        polygon: as `outlines` gives it, not simplified: its edges go along pixels.

    Returns:
        The ring, and the positions in it where cuts begin and end.
    """
    if not polygon.holes:
        return polygon.exterior, np.empty(0, np.int64)
    rings = (polygon.exterior, *polygon.holes)
    vertices = np.concatenate(rings)
    following = _following(rings)
    entries = _entries(rings)
    edges = _edges_to_the_left(vertices, following, entries)
    points = vertices.tolist()
    onward = following.tolist()
    before = np.argsort(following).tolist()
    ends = set()
    last_of_edge = list(range(len(points)))  # from the vertex that an edge begins at: where it goes on after its cuts
    for entry, edge in sorted(
        zip(entries, edges, strict=True), key=lambda cut: -points[cut[0]][1]
    ):  # edges lead upwards
        x, y = points[edge][0], points[entry][1]
        leaving, again, back = len(points), len(points) + 1, len(points) + 2
        points += [[x, y], points[entry], [x, y]]
        onward += [entry, back, onward[last_of_edge[edge]]]
        onward[last_of_edge[edge]] = leaving
        onward[before[entry]] = again
        last_of_edge[edge] = back
        ends |= {leaving, entry, again, back}
    return _walked(points, onward, ends)


def _following(rings: Sequence[Ring]) -> Indices:
    """(n,) int64: number of the next vertex of each, of all rings one after the other."""
    lengths = np.array([len(ring) for ring in rings])
    offsets = np.cumsum(lengths) - lengths
    following = np.arange(1, lengths.sum() + 1)
    following[offsets + lengths - 1] = offsets
    return following


def _entries(rings: Sequence[Ring]) -> list[int]:
    """Number of the topmost of the leftmost vertices of each ring but the first."""
    entries, offset = [], len(rings[0])
    for ring in rings[1:]:
        entries.append(offset + int(np.lexsort((ring[:, 1], ring[:, 0]))[0]))
        offset += len(ring)
    return entries


def _edges_to_the_left(vertices: Ring, following: Indices, entries: Sequence[int]) -> list[int]:
    """For each entry the edge, by the vertex that it begins at, which bounds the polygon's pixels to the left of it.

    The polygon lies to the right of the edges that lead upwards.
    """
    columns, rows = vertices.T
    upwards = np.flatnonzero(rows[following] < rows)
    heights = rows[upwards] - rows[following[upwards]]
    edges = np.repeat(upwards, heights)
    row = (
        np.repeat(rows[upwards], heights)
        - 1
        - (np.arange(len(edges)) - np.repeat(np.cumsum(heights) - heights, heights))
    )
    width = int(columns.max()) + 1
    order = np.argsort(row * width + columns[edges])
    keys = (row * width + columns[edges])[order]
    wanted = rows[list(entries)] * width + columns[list(entries)]
    found: list[int] = edges[order[np.searchsorted(keys, wanted) - 1]].tolist()
    return found


def _walked(points: list[list[int]], onward: list[int], ends: set[int]) -> tuple[Ring, Indices]:
    """The vertices from the first on, none twice in a row."""
    ring, marks, vertex = [points[0]], [0 in ends], onward[0]
    while vertex != 0:
        if points[vertex] == ring[-1]:
            marks[-1] = marks[-1] or vertex in ends
        else:
            ring.append(points[vertex])
            marks.append(vertex in ends)
        vertex = onward[vertex]
    if ring[-1] == ring[0]:
        ring.pop()
        marks[0] = marks[0] or marks.pop()
    return np.array(ring, np.int64), np.flatnonzero(marks).astype(np.int64)
