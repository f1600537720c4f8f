"""CVAT: what its functions answer with, and the points of a mask in its API."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from app.imaging.annotations.regions import Region, Regions
from app.imaging.annotations.runs import lengths_in_turn
from app.imaging.annotations.simplify import simplified


def cvat_shapes(regions: Regions, tolerance: float = 0.0) -> Iterator[dict[str, Any]]:
    """A mask for each region, as a function's detector answers.

    `mask` is the region's box, row by row, and the box itself, inclusive; `points` are the outer ring of the largest
    component, for those who ask CVAT for polygons.

    Args:
        regions: of the mask.
        tolerance: of the points, in pixels.

    Raises:
        AnswerTooLargeError: the outlines have too many vertices.
    """
    for region in regions.all:
        mask = [*regions.crop(region).ravel().view(np.uint8).tolist(), *_inclusive(region)]
        yield {**_described(regions, region, tolerance), "mask": mask, "type": "mask"}


def cvat_shapes_json(regions: Regions, tolerance: float = 0.0) -> Iterator[str]:
    """The same as JSON, of large masks in a small part of the time and the memory."""
    for region in regions.all:
        described = json.dumps(_described(regions, region, tolerance), ensure_ascii=False, separators=(",", ":"))
        crop = regions.crop(region).ravel()
        digits = np.full((crop.size, 2), ord(","), np.uint8)
        digits[:, 0] = crop + np.uint8(ord("0"))
        box = ",".join(map(str, _inclusive(region)))
        yield f'{described[:-1]},"mask":[{digits.tobytes().decode("ascii")}{box}],"type":"mask"}}'


def cvat_points(regions: Regions, region: Region) -> list[int]:
    """A mask as CVAT's API and SDK have it: lengths of runs in its box, zeros first, then the box, inclusive."""
    crop = regions.crop(region).ravel()
    changes = np.flatnonzero(np.diff(np.concatenate(([False], crop, [False])).view(np.int8)))
    lengths: list[int] = lengths_in_turn(changes[::2], changes[1::2], crop.size).tolist()
    return [*lengths, *_inclusive(region)]


def _described(regions: Regions, region: Region, tolerance: float) -> dict[str, Any]:
    return {
        "confidence": region.mean_confidence,
        "label": region.label.name,
        "points": _largest_ring(regions, region, tolerance),
    }


def _inclusive(region: Region) -> list[int]:
    left, top, width, height = region.bbox
    return [left, top, left + width - 1, top + height - 1]


def _largest_ring(regions: Regions, region: Region, tolerance: float) -> list[int]:
    """`[x, y, …]` of the outer ring that encloses the largest box."""
    rings = [polygon.exterior for polygon in regions.polygons_of(region)]
    largest = max(rings, key=lambda ring: int(np.prod(np.ptp(ring, axis=0))))
    points: list[int] = simplified([largest], tolerance)[0].ravel().tolist()
    return points
