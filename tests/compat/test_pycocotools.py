"""COCO's own tools read what the service writes."""

import json
from pathlib import Path

import httpx
import numpy as np
import pytest
from pycocotools import mask as run_lengths
from pycocotools.coco import COCO

from tests.compat.served import Mask, Served


@pytest.mark.parametrize("segmentation", ["rle", "polygons"])
@pytest.mark.parametrize("components", ["false", "true"])
def test_masks_pixel_by_pixel(
    served: Served, jpeg: bytes, mask: Mask, tmp_path: Path, segmentation: str, components: str
) -> None:
    query = {"output": "coco", "segmentation": segmentation, "components": components}
    answer = httpx.post(f"{served.url}/segment", params=query, content=jpeg, timeout=60)
    path = tmp_path / "coco.json"
    path.write_bytes(answer.content)
    found = COCO(str(path))
    classes = {each["name"]: number for number, each in enumerate(found.loadCats(found.getCatIds()))}
    assert [*classes] == ["pet", "background", "border"]
    drawn = np.full(mask.shape, 255, np.uint8)
    for annotation in found.loadAnns(found.getAnnIds()):
        region = found.annToMask(annotation).astype(bool)
        assert region.sum() == annotation["area"]
        assert (drawn[region] == 255).all()
        drawn[region] = classes[found.cats[annotation["category_id"]]["name"]]
    assert np.array_equal(drawn, mask)


def test_run_lengths_of_json(served: Served, jpeg: bytes, mask: Mask) -> None:
    answer = httpx.post(f"{served.url}/segment", params={"output": "json"}, content=jpeg, timeout=60).json()
    for entry in answer["classes"]:
        rle = {"size": entry["rle"]["size"], "counts": entry["rle"]["counts"].encode()}
        assert np.array_equal(run_lengths.decode(rle).astype(bool), mask == entry["id"]), json.dumps(entry)[:200]
