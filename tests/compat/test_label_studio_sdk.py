"""Label Studio's own readers of configurations and predictions, on what the service answers as its ML backend."""

import base64
from typing import Any

import httpx
import numpy as np
from label_studio_sdk._extensions.label_studio_tools.core.label_config import parse_config
from label_studio_sdk.converter.brush import decode_rle
from label_studio_sdk.label_interface import LabelInterface
from label_studio_sdk.label_interface.objects import PredictionValue

from tests.compat.served import Mask, Served

CONFIG = """<View><Image name="photo" value="$picture"/><BrushLabels name="brush" toName="photo">
<Label value="Animal" predicted_values="pet"/><Label value="Background"/><Label value="Car"/></BrushLabels></View>"""


def task(picture: bytes) -> dict[str, Any]:
    return {"id": 1, "data": {"picture": "data:image/jpeg;base64," + base64.b64encode(picture).decode()}}


def test_predictions_are_what_the_sdk_reads(served: Served, jpeg: bytes, mask: Mask) -> None:
    with httpx.Client(base_url=f"{served.url}/label-studio") as backend:
        assert backend.get("/health").json()["status"] == "UP"
        setup = {"project": "1.1", "schema": CONFIG, "hostname": "http://localhost:8080", "access_token": "x"}
        version = backend.post("/setup", json=setup).raise_for_status().json()["model_version"]
        body = {"tasks": [task(jpeg), task(b"no picture")], "project": "1.1", "label_config": CONFIG, "params": {}}
        answer = backend.post("/predict", json=body).raise_for_status().json()
    assert answer["model_version"] == version == "pets/3"
    found, failed = (PredictionValue(**result) for result in answer["results"])
    assert (failed.result, found.model_version) == ([], version)
    assert LabelInterface(CONFIG).validate_prediction(answer["results"][0])
    (control,) = parse_config(CONFIG)
    expected = {"Animal": mask == 0, "Background": mask == 1}
    assert found.result is not None
    assert len(found.result) == 2
    for result in found.result:
        assert (result["from_name"], result["type"]) == (control, "brushlabels")
        size = (result["original_height"], result["original_width"])
        pixels = decode_rle(result["value"]["rle"]).reshape(*size, 4)
        (label,) = result["value"]["brushlabels"]
        np.testing.assert_array_equal(pixels[..., 3] == 255, expected[label])


def test_the_key_as_a_password(locked: Served, jpeg: bytes) -> None:
    url = f"{locked.url}/label-studio/health"
    assert httpx.get(url, auth=("label-studio", locked.key)).status_code == 200
    assert httpx.get(url, auth=("label-studio", "wrong")).status_code == httpx.get(url).status_code == 401
