import base64
import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.core.settings import Settings
from tests.api.running import Service, running
from tests.fixtures.picture_host import answer, picture_host

pytestmark = pytest.mark.anyio


def inputs(picture: bytes, **parameters: Any) -> dict[str, Any]:
    return {"inputs": base64.b64encode(picture).decode(), "parameters": parameters}


async def test_a_picture_as_it_is_or_in_json(service: Service, picture: bytes) -> None:
    bare = await service.http.post("/huggingface", content=picture, headers={"Content-Type": "image/jpeg"})
    assert bare.headers["content-type"] == "application/json"
    assert bare.headers["segserve-model"].startswith("pets/1;")
    for body in (inputs(picture), {"inputs": inputs(picture)["inputs"]}, inputs(picture, subtask="semantic")):
        assert (await service.http.post("/huggingface", json=body)).json() == bare.json()
    same = await service.http.post("/segment?output=huggingface", content=picture)
    assert bare.json() == same.json()


async def test_masks_cover_each_pixel_once(service: Service, picture: bytes) -> None:
    segments = (await service.http.post("/huggingface", content=picture)).json()
    masks = [Image.open(io.BytesIO(base64.b64decode(each["mask"]))) for each in segments]
    assert {(mask.mode, mask.size) for mask in masks} == {("L", (60, 40))}
    total = np.sum([np.asarray(mask) // 255 for mask in masks], axis=0)
    assert (total == 1).all()


async def test_the_threshold_leaves_segments_out(service: Service, picture: bytes) -> None:
    scores = sorted(each["score"] for each in (await service.http.post("/huggingface", content=picture)).json())
    assert len(scores) > 1
    response = await service.http.post("/huggingface", json=inputs(picture, threshold=scores[1]))
    assert sorted(each["score"] for each in response.json()) == scores[1:]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"inputs": "%"}, 422, "invalid_parameter"),
        ({"inputs": ""}, 422, "invalid_parameter"),
        ({"inputs": 7}, 422, "invalid_parameter"),
        ({}, 422, "invalid_parameter"),
        ({"inputs": "YQ==", "parameters": {"threshold": 2}}, 422, "invalid_parameter"),
        ({"inputs": "YQ==", "parameters": {"subtask": "panoptic"}}, 422, "invalid_parameter"),
        ({"inputs": "YQ==", "parameters": {"mask_threshold": 0.5}}, 422, "invalid_parameter"),
        ({"inputs": "YQ==", "parameters": {"treshold": 0.5}}, 422, "invalid_parameter"),
        ({"inputs": "YQ=="}, 400, "invalid_image"),
        ({"inputs": "http://example.org/cat.jpg"}, 422, "url_not_allowed"),
        ([], 400, "malformed_request"),
    ],
)
async def test_what_is_wrong(service: Service, body: Any, status: int, code: str) -> None:
    service.problem(await service.http.post("/huggingface", json=body), status, code)


async def test_query_and_body_that_are_none(service: Service, picture: bytes) -> None:
    service.problem(await service.http.post("/huggingface?output=mask", content=picture), 422, "invalid_parameter")
    service.problem(await service.http.post("/huggingface?model=dogs", content=picture), 404, "model_not_found")
    service.problem(await service.http.post("/huggingface"), 400, "empty_image")
    headers = {"Content-Type": "application/json; charset=utf-8"}
    response = await service.http.post("/huggingface", content=json.dumps(inputs(picture)), headers=headers)
    assert response.status_code == 200


async def test_a_picture_by_reference(settings: Settings, picture: bytes) -> None:
    async with picture_host(cat=answer(picture)) as host:
        given = {"url_hosts": host.netloc, "url_networks": "127.0.0.0/8"}
        async with running(settings.model_copy(update=given)) as service:
            by_url = await service.http.post("/huggingface", json={"inputs": host.url("/cat")})
            assert by_url.json() == (await service.http.post("/huggingface", content=picture)).json()
