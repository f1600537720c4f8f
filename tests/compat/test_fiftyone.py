"""FiftyOne's importers, unmodified, read what the service writes; without its database."""

import os
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.compat.served import Mask, Served

os.environ.setdefault("FIFTYONE_DISABLE_SERVICES", "1")
os.environ.setdefault("FIFTYONE_DO_NOT_TRACK", "true")
coco = pytest.importorskip("fiftyone.utils.coco")


def test_a_coco_data_set(served: Served, jpeg: bytes, mask: Mask, tmp_path: Path) -> None:
    files = {"file": ("cat.jpg", jpeg)}
    answer = httpx.post(f"{served.url}/segment", params={"output": "coco"}, files=files, timeout=60)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/cat.jpg").write_bytes(jpeg)
    (tmp_path / "labels.json").write_bytes(answer.content)
    importer = coco.COCODetectionDatasetImporter(str(tmp_path), label_types="segmentations", include_id=True)
    with importer:
        ((path, metadata, label),) = importer
    assert Path(path).name == "cat.jpg"
    assert (metadata.height, metadata.width) == mask.shape
    found = label["segmentations"] if isinstance(label, dict) else label
    assert [each.label for each in found.detections] == ["pet", "background", "border"]
    for number, each in enumerate(found.detections):
        x, y, width, height = (np.array(each.bounding_box) * (*mask.shape[::-1], *mask.shape[::-1])).round().astype(int)
        drawn = np.zeros(mask.shape, bool)
        drawn[y : y + height, x : x + width] = each.mask
        assert np.array_equal(drawn, mask == number)
