"""COCO: a data set of one picture that pycocotools and all that build on it load."""

from collections.abc import Iterator
from typing import Any, Literal

from app.core.labels import LabelMap
from app.imaging.annotations.bridges import bridged
from app.imaging.annotations.regions import Region, Regions
from app.imaging.annotations.runs import lengths_in_turn
from app.imaging.annotations.simplify import simplified
from app.imaging.rle import CocoRle, compressed

CocoSegmentation = Literal["rle", "polygons"]

UNNAMED = "picture"
"""File name of a picture that came without one."""


def coco_dataset(
    regions: Regions,
    labels: LabelMap,
    filename: str | None = None,
    segmentation: CocoSegmentation = "rle",
    tolerance: float = 0.0,
    **info: str,
) -> dict[str, Any]:
    """The whole data set; the same mask has the same ids: the picture is 1, categories are class ids.

    Args:
        regions: of the mask.
        labels: all classes of the model.
        filename: of the picture.
        segmentation: how regions are written, as compressed run lengths or as polygons.
        tolerance: of polygons, in pixels.
        info: more facts about the data set.

    Raises:
        AnswerTooLargeError: polygons would have too many vertices.
    """
    height, width = regions.size
    return {
        "info": {"description": "Segmentation by segserve", **info},
        "licenses": [],
        "images": [{"id": 1, "width": width, "height": height, "file_name": filename or UNNAMED}],
        "categories": [{"id": label.id, "name": label.name, "supercategory": label.role or ""} for label in labels],
        "annotations": list(coco_annotations(regions, segmentation, tolerance)),
    }


def coco_annotations(
    regions: Regions,
    segmentation: CocoSegmentation = "rle",
    tolerance: float = 0.0,
    image_id: int = 1,
    first_id: int = 1,
) -> Iterator[dict[str, Any]]:
    """An annotation for each region, numbered on from `first_id` (0 is no id: COCO's evaluation takes it for none).

    Args:
        regions: of the mask.
        segmentation: how they are written.
        tolerance: of polygons, in pixels.
        image_id: of the picture.
        first_id: of the first annotation.

    Raises:
        AnswerTooLargeError: polygons would have too many vertices.
    """
    for number, region in enumerate(regions.all, start=first_id):
        polygons = segmentation == "polygons"
        yield {
            "id": number,
            "image_id": image_id,
            "category_id": region.label.id,
            "segmentation": coco_polygons(regions, region, tolerance) if polygons else region_rle(regions, region),
            "area": region.pixels,
            "bbox": list(region.bbox),
            "iscrowd": 0,
            "score": region.mean_confidence,
        }


def region_rle(regions: Regions, region: Region) -> CocoRle:
    """A region's compressed run lengths; the same as `coco_rle` of its pixels."""
    height, width = regions.size
    counts = lengths_in_turn(*regions.columns.of(region.number), height * width)
    return CocoRle(size=[height, width], counts=compressed(counts))


def coco_polygons(regions: Regions, region: Region, tolerance: float = 0.0) -> list[list[int]]:
    """A region's polygons, one for each of its components, `[x, y, x, y, …]` at corners of pixels.

    COCO's polygons have no holes: cuts of no width lead to them, so that filling gives the same pixels.
    """
    cut = [bridged(polygon) for polygon in regions.polygons_of(region)]
    rings = simplified([ring for ring, _ in cut], tolerance, [ends for _, ends in cut])
    return [ring.ravel().tolist() for ring in rings]
