"""GeoJSON (RFC 7946): a feature for each region, in pixels of the picture."""

from collections.abc import Iterator
from typing import Any

from app.imaging.annotations.regions import Region, Regions
from app.imaging.annotations.rings import Polygon, Ring
from app.imaging.annotations.simplify import simplified_polygons

COORDINATES = (
    "pixels of the picture: x to the right, y down, the origin is the outer corner of its first pixel, vertices are "
    "corners of pixels; not WGS 84"
)
"""What RFC 7946 would take for longitude and latitude."""


def feature_collection(regions: Regions, tolerance: float = 0.0, **members: Any) -> dict[str, Any]:
    """The whole answer.

    Args:
        regions: of the mask.
        tolerance: in pixels, by which outlines may be off; 0: they give the mask back pixel by pixel.
        members: more members of the collection, in front of the features.

    Raises:
        AnswerTooLargeError: the outlines have too many vertices.
    """
    return {
        "type": "FeatureCollection",
        **members,
        "coordinate_system": COORDINATES,
        "features": list(features(regions, tolerance)),
    }


def features(regions: Regions, tolerance: float = 0.0) -> Iterator[dict[str, Any]]:
    """A MultiPolygon for each region, a part for each of its 4-connected components; raises as `feature_collection`.

    As numbers the vertices of outer rings go counterclockwise, those of holes clockwise, as the RFC has it; on a
    screen, where y goes down, it looks the other way round.
    """
    for number, region in enumerate(regions.all):
        left, top, width, height = region.bbox
        yield {
            "type": "Feature",
            "id": number,
            "bbox": [left, top, left + width, top + height],
            "geometry": {
                "type": "MultiPolygon",
                "coordinates": [_coordinates(each) for each in _outlines(regions, region, tolerance)],
            },
            "properties": {
                "class_id": region.label.id,
                "name": region.label.name,
                "colour": "#" + bytes(region.label.colour).hex(),
                "pixels": region.pixels,
                "share": region.pixels / regions.mask.classes.size,
                "mean_confidence": region.mean_confidence,
            },
        }


def _outlines(regions: Regions, region: Region, tolerance: float) -> list[Polygon]:
    return simplified_polygons(regions.polygons_of(region), tolerance)


def _coordinates(polygon: Polygon) -> list[list[list[int]]]:
    return [_closed(polygon.exterior), *map(_closed, polygon.holes)]


def _closed(ring: Ring) -> list[list[int]]:
    vertices: list[list[int]] = ring.tolist()
    return [*vertices, vertices[0]]
