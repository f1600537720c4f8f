import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from app.imaging.annotations.coco import CocoSegmentation, coco_annotations, coco_dataset, region_rle
from app.imaging.annotations.regions import Regions
from app.imaging.rle import coco_rle
from tests.imaging.annotations.drawn import EMPTY, LABELS, VECTOR, Classes, mask_of, masks


def loaded(dataset: dict[str, Any], folder: Path) -> COCO:
    (folder / "coco.json").write_text(json.dumps(dataset))
    return COCO(str(folder / "coco.json"))


@pytest.mark.parametrize("segmentation", ["rle", "polygons"])
@pytest.mark.parametrize("split", [False, True])
def test_pycocotools_loads_it(segmentation: CocoSegmentation, split: bool, tmp_path: Path) -> None:
    classes = np.random.default_rng(2).choice(np.array([0, 0, 0, 1, 2, 255], np.uint8), (30, 41))
    regions = Regions(mask_of(classes), split)
    coco = loaded(coco_dataset(regions, LABELS, "cats/cat ä.jpg", segmentation), tmp_path)
    assert coco.loadImgs(1) == [{"id": 1, "width": 41, "height": 30, "file_name": "cats/cat ä.jpg"}]
    assert {entry["id"]: entry["name"] for entry in coco.loadCats(coco.getCatIds())} == {
        label.id: label.name for label in LABELS
    }
    drawn = np.full(classes.shape, 255, np.uint8)
    annotations = coco.loadAnns(coco.getAnnIds(imgIds=1, iscrowd=False))
    assert [entry["id"] for entry in annotations] == list(range(1, len(regions.all) + 1))
    for entry in annotations:
        chosen = coco.annToMask(entry).astype(np.bool_)
        assert (drawn[chosen] == 255).all()
        drawn[chosen] = entry["category_id"]
        assert entry["area"] == chosen.sum()
        assert coco_mask.toBbox(coco.annToRLE(entry)).tolist() == entry["bbox"]
    assert np.array_equal(drawn, classes)


@settings(max_examples=40, deadline=None)
@given(masks)
def test_run_lengths_are_those_of_the_pixels(classes: Classes) -> None:
    regions = Regions(mask_of(classes))
    for region in regions.all:
        pixels = classes == region.label.id
        rle = region_rle(regions, region)
        assert rle == coco_rle(pixels)
        assert rle["counts"].encode() == coco_mask.encode(np.asfortranarray(pixels, np.uint8))["counts"]


@settings(max_examples=60, deadline=None)
@given(masks)
def test_polygons_give_the_pixels_back_holes_included(classes: Classes) -> None:
    height, width = classes.shape
    for entry in coco_annotations(Regions(mask_of(classes)), "polygons"):
        parts = coco_mask.frPyObjects(entry["segmentation"], height, width)
        pixels = coco_mask.decode(coco_mask.merge(parts))
        assert np.array_equal(pixels, classes == entry["category_id"])


def test_conformance_vector() -> None:
    (entry,) = coco_annotations(Regions(mask_of(VECTOR)))
    assert entry == {
        "id": 1,
        "image_id": 1,
        "category_id": 1,
        "segmentation": {"size": [3, 4], "counts": "41211"},
        "area": 3,
        "bbox": [1, 1, 2, 2],
        "iscrowd": 0,
        "score": 0.6,
    }


def test_cuts_to_holes_survive_a_tolerance() -> None:
    rows, columns = np.mgrid[-30:31, -30:31]
    radius = np.hypot(rows, columns)
    classes = np.where((radius < 28) & (radius > 12), 0, 255).astype(np.uint8)
    ((exact,), (smooth,)) = (
        next(coco_annotations(Regions(mask_of(classes)), "polygons", tolerance))["segmentation"]
        for tolerance in (0.0, 1.5)
    )
    assert len(smooth) < len(exact) / 4
    pixels = coco_mask.decode(coco_mask.frPyObjects([smooth], 61, 61))[..., 0]
    assert pixels[30, 30] == 0
    assert (pixels != (classes == 0)).mean() < 0.05


def test_ids_go_on_for_further_pictures() -> None:
    mask = mask_of(np.array([[0, 1]], np.uint8))
    entries = list(coco_annotations(Regions(mask), image_id=7, first_id=40))
    assert [(entry["id"], entry["image_id"]) for entry in entries] == [(40, 7), (41, 7)]


def test_nothing(tmp_path: Path) -> None:
    dataset = coco_dataset(Regions(mask_of(EMPTY)), LABELS, version="pets/3")
    assert dataset["info"] == {"description": "Segmentation by segserve", "version": "pets/3"}
    assert dataset["images"][0]["file_name"] == "picture"
    assert loaded(dataset, tmp_path).getAnnIds() == []
