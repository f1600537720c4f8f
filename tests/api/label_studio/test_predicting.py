import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.core.errors import InferenceError, OverloadedError, SegserveError
from app.core.settings import Settings
from app.inference.segmenter import Segmenter
from tests.api.running import Service, running
from tests.fixtures.picture_host import PictureHost, answer, picture_host

pytestmark = pytest.mark.anyio
CONFIG = """<View><Image name="photo" value="$image"/><BrushLabels name="brush" toName="photo">
<Label value="Animal" predicted_values="pet,border"/><Label value="background"/></BrushLabels></View>"""


@pytest.fixture(scope="module")
async def host(picture: bytes, anyio_backend: str) -> AsyncIterator[PictureHost]:
    async with picture_host(cat=answer(picture), text=answer(b"no picture")) as found:
        yield found


@pytest.fixture(scope="module")
async def fetching(settings: Settings, host: PictureHost, anyio_backend: str) -> AsyncIterator[Service]:
    given = {"url_hosts": host.netloc, "url_networks": "127.0.0.0/8"}
    async with running(settings.model_copy(update=given)) as service:
        setup = {"project": 1, "schema": CONFIG, "hostname": host.url(""), "access_token": "secret"}
        assert (await service.http.post("/label-studio/setup", json=setup)).json() == {"model_version": "pets/1"}
        yield service


def inline(picture: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(picture).decode()


async def predicted(service: Service, *pictures: Any, **more: Any) -> list[dict[str, Any]]:
    body = {"tasks": [{"id": 1, "data": {"image": each}} for each in pictures], "project": 1, **more}
    response = await service.http.post("/label-studio/predict", json=body)
    assert response.status_code == 200, response.text
    assert response.json().keys() == {"results", "model_version"}
    results: list[dict[str, Any]] = response.json()["results"]
    return results


async def test_pictures_inline_by_path_and_by_url(fetching: Service, host: PictureHost, picture: bytes) -> None:
    host.requests.clear()
    results = await predicted(fetching, inline(picture), "/cat", host.url("/cat"))
    assert results[0] == results[1] == results[2]
    assert all("Authorization: Token secret" in request for request in host.requests)
    assert fetching.last_scope["state"]["record"].pictures == 3
    found = results[0]["result"]
    assert {(each["from_name"], each["to_name"], each["type"]) for each in found} == {("brush", "photo", "brushlabels")}
    assert {label for each in found for label in each["value"]["brushlabels"]} == {"Animal", "background"}
    assert (results[0]["model_version"], found[0]["original_width"]) == ("pets/1", 60)


async def test_the_masks_are_those_of_the_service(fetching: Service, picture: bytes) -> None:
    query = "output=label-studio&from_name=brush&to_name=photo"
    alone = json.loads((await fetching.http.post(f"/segment?{query}", content=picture)).content)
    (result,) = await predicted(fetching, inline(picture))
    runs = [[each["value"]["rle"] for each in found["result"]] for found in (alone, result)]
    assert runs[0] == runs[1]
    plain = CONFIG.replace(' predicted_values="pet,border"', "")
    (one,) = await predicted(fetching, inline(picture), label_config=plain)
    assert [each["value"]["brushlabels"] for each in one["result"]] == [["background"]]


async def test_a_task_that_fails_does_so_alone(fetching: Service, host: PictureHost, picture: bytes) -> None:
    wrong = [inline(b"no picture"), "data:image/png,x", None, 7, ["/cat"], "", "cat.jpg", "s3://bucket/cat.jpg"]
    wrong += ["http://evil.example/cat.jpg", host.url("/text"), host.url("/none"), "data:;base64,%%%"]
    results = await predicted(fetching, inline(picture), *wrong, "/cat")
    assert results[0] == results[-1]
    assert results[0]["result"]
    failed = results[1:-1]
    assert [each["result"] for each in failed] == [[]] * len(wrong)
    assert [each["error"]["code"] for each in failed] == [
        *("invalid_image", *["invalid_parameter"] * 7),
        *("url_not_allowed", "invalid_image", "picture_not_fetched", "invalid_parameter"),
    ]
    assert len(fetching.last_scope["state"]["record"].problems) == len(wrong)


async def test_no_tasks(fetching: Service) -> None:
    assert await predicted(fetching) == []


@pytest.mark.parametrize(
    ("error", "status"), [(OverloadedError("no room"), 503), (InferenceError("numbers that are not finite"), 200)]
)
async def test_what_is_not_the_tasks_fault_fails_the_request(
    fetching: Service, picture: bytes, monkeypatch: pytest.MonkeyPatch, error: SegserveError, status: int
) -> None:
    async def fail(*args: Any) -> Any:
        raise error

    monkeypatch.setattr(Segmenter, "segment", fail)
    body = {"tasks": [{"data": {"image": inline(picture)}}] * 2, "label_config": CONFIG}
    response = await fetching.http.post("/label-studio/predict", json=body)
    assert response.status_code == status
    if status == 503:
        fetching.problem(response, 503, "overloaded")
        assert int(response.headers["retry-after"]) >= 1
    assert fetching.state.admission.admitted == 0


async def test_all_predictions_together_are_bounded(settings: Settings, picture: bytes) -> None:
    async with running(settings.model_copy(update={"max_answer_bytes": 20_000})) as service:
        body = {"tasks": [{"data": {"image": inline(picture)}}] * 50, "label_config": CONFIG}
        response = await service.http.post("/label-studio/predict", json=body)
        service.problem(response, 413, "answer_too_large")
