"""YOLO's segmentation labels: a line of text for each outer ring. The format has no holes."""

from collections.abc import Iterator

import numpy as np

from app.imaging.annotations.regions import Region, Regions
from app.imaging.annotations.rings import Polygon
from app.imaging.annotations.simplify import simplified_polygons


def yolo_lines(regions: Regions, tolerance: float = 0.0) -> Iterator[str]:
    """`class x y x y …` for each outer ring of each region, relative to width and height, 0–1, with six decimals.

    Args:
        regions: of the mask.
        tolerance: in pixels.

    Raises:
        AnswerTooLargeError: the outlines have too many vertices.
    """
    height, width = regions.size
    for region in regions.all:
        for polygon in simplified_polygons(_without_holes(regions, region), tolerance):
            numbers = (polygon.exterior / np.array([width, height])).ravel().tolist()
            yield f"{region.label.id} " + " ".join(map("{:.6f}".format, numbers))


def lost_holes(regions: Regions) -> int:
    """Number of holes that `yolo_lines` fills; raises as it."""
    return sum(len(polygon.holes) for region in regions.all for polygon in regions.polygons_of(region))


def _without_holes(regions: Regions, region: Region) -> list[Polygon]:
    return [Polygon(polygon.exterior, ()) for polygon in regions.polygons_of(region)]
