"""The auto-annotation function for CVAT's command line, under CVAT's own interface and decoding."""

import importlib.util
import io
import logging
from dataclasses import dataclass
from typing import Any

import cvat_sdk.auto_annotation as cvataa
import httpx
import numpy as np
import pytest
from cvat_sdk import models
from cvat_sdk.auto_annotation.driver import _AnnotationMapper
from cvat_sdk.masks import decode_mask
from PIL import Image

from tests.compat.served import ROOT, Served


@dataclass(frozen=True)
class Context(cvataa.DetectionFunctionContext):  # type: ignore[misc]  # not installed where mypy runs
    frame_name: str = "cat.jpg"
    conf_threshold: float | None = None
    conv_mask_to_poly: bool = False


def function(served: Served, **parameters: Any) -> Any:
    """What cvat-cli makes of the file and of its `-p`."""
    path = ROOT / "deploy/cvat/segserve_function.py"
    spec = importlib.util.spec_from_file_location("segserve_function", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.create(url=served.url, key=served.key, **parameters)


@pytest.fixture(scope="module")
def picture(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg))


def test_masks_are_those_of_the_service(locked: Served, picture: Image.Image) -> None:
    made = function(locked, skip="")
    names = {label.id: label.name for label in made.spec.labels}
    assert names == {0: "pet", 1: "background", 2: "border"}
    file = io.BytesIO()
    picture.save(file, "PNG")
    mask = httpx.post(f"{locked.url}/segment", content=file.getvalue(), headers=locked.headers).content
    classes = np.asarray(Image.open(io.BytesIO(mask)))
    shapes = made.detect(Context(), picture)
    assert len(shapes) == 3
    for shape in shapes:
        width, height = picture.size
        found = decode_mask(shape.points, image_width=width, image_height=height)
        np.testing.assert_array_equal(found, classes == shape.label_id)


@pytest.mark.parametrize("polygons", [False, True])
def test_cvats_driver_takes_them(locked: Served, picture: Image.Image, polygons: bool) -> None:
    made = function(locked)
    kind = "polygon" if polygons else "mask"
    task = [models.Label(name="pet", id=77, type=kind, attributes=[], sublabels=[])]
    mapper = _AnnotationMapper(
        logging.getLogger(), made.spec.labels, task, allow_unmatched_labels=True, conv_mask_to_poly=polygons
    )
    tags, shapes = mapper.validate_and_remap(made.detect(Context(conv_mask_to_poly=polygons), picture), 5)
    assert (tags, len(shapes)) == ([], 1)
    assert {(shape.label_id, shape.frame, str(shape.type)) for shape in shapes} == {(77, 5, kind)}


def test_the_threshold_and_what_goes_wrong(locked: Served, picture: Image.Image) -> None:
    made = function(locked)
    assert {shape.label_id for shape in made.detect(Context(conf_threshold=0.9), picture)} == {0}
    with pytest.raises(RuntimeError, match="401"):
        function(Served(locked.host, "wrong"))
