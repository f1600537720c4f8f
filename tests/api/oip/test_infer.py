import asyncio
import gzip
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from app.api.oip.infer import in_order
from app.core.errors import OverloadedError
from app.core.settings import Settings
from app.inference.engine import Images, Probabilities
from app.store.repository import ModelStore
from tests.api.oip.wire import INFER, JSON_LENGTH, binary, described, element, in_json, outputs
from tests.api.running import Service, running
from tests.fixtures.api_keys import WITH_KEY, written
from tests.fixtures.waiting import until

pytestmark = pytest.mark.anyio

PIXELS = np.random.default_rng(2).integers(0, 256, (3, 32, 32, 3), np.uint8)
Answered = dict[str, Any]


async def infer(service: Service, request: dict[str, Any], tensor: bytes | None = None, path: str = INFER) -> Answered:
    """Output tensors by name."""
    body, headers = (json.dumps(request).encode(), {}) if tensor is None else binary(tensor, request)
    response = await service.http.post(path, content=body, headers=headers)
    assert response.status_code == 200, response.text
    return outputs(response.content, response.headers.get(JSON_LENGTH))


def image(datatype: str = "UINT8", count: int = 3, **members: object) -> dict[str, Any]:
    return described("image", datatype, [count, 32, 32, 3], **members)


def decoded(mask: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.asarray(Image.open(io.BytesIO(mask)))


async def test_pixels_are_answered_alike_however_they_come(service: Service) -> None:
    found = await infer(service, {"inputs": [image()]}, PIXELS.tobytes())
    assert found["probabilities"].shape == (3, 32, 32, 3)
    for one, answer in zip(PIXELS, found["probabilities"], strict=True):
        (alone,) = (await infer(service, {"inputs": [image(count=1)]}, one.tobytes()))["probabilities"]
        np.testing.assert_allclose(answer, alone, atol=1e-6)
    for mask, answer in zip(found["mask"], found["probabilities"], strict=True):
        np.testing.assert_array_equal(decoded(mask), answer.argmax(axis=-1))
    for others in (
        await infer(service, {"inputs": [image("FP32")]}, PIXELS.astype("<f4").tobytes()),
        await infer(service, {"inputs": [image(data=PIXELS.tolist())]}),
        await infer(service, {"inputs": [image("FP32", data=PIXELS.ravel().tolist())]}),
    ):
        np.testing.assert_array_equal(others["probabilities"], found["probabilities"])
        assert others["mask"] == found["mask"]


async def test_an_encoded_picture_is_answered_as_by_segment(service: Service, picture: bytes) -> None:
    mask = (await service.http.post("/segment", content=picture)).content
    npy = (await service.http.post("/segment?output=probabilities", content=picture)).content
    for found in (
        await infer(service, {"inputs": [in_json(picture)]}),
        await infer(service, {"inputs": [described("encoded_image", "BYTES", [1])]}, element(picture)),
        await infer(service, {"inputs": [described("image", "BYTES", [1])]}, element(picture)),
        await infer(service, {"inputs": [in_json(picture)]}, path="/v2/models/pets/versions/1/infer"),
        await infer(service, {"inputs": [in_json(picture)]}, path="/v2/models/pets/versions/production/infer"),
        await infer(service, {"inputs": [in_json(picture)]}, path="/v2/models/pets:1/infer"),
    ):
        assert found["mask"] == [mask]
        np.testing.assert_array_equal(found["probabilities"].astype(np.float16)[0], np.load(io.BytesIO(npy)))


async def test_the_heads_of_an_answer(service: Service, picture: bytes) -> None:
    request = {"id": "seven", "inputs": [in_json(picture)], "outputs": [{"name": "mask"}]}
    response = await service.http.post(INFER, json=request, headers={"X-Request-ID": "mine"})
    assert response.json().keys() == {"model_name", "model_version", "id", "outputs"}
    assert (response.json()["id"], response.json()["model_version"]) == ("seven", "1")
    assert response.headers["content-type"] == "application/json"
    assert response.headers["segserve-model"].startswith("pets/1; ")
    assert response.headers["server-timing"].startswith("decode;dur=")
    assert response.headers["x-request-id"] == "mine"
    response = await service.http.post(INFER, content=picture, headers={JSON_LENGTH: "0"})
    assert response.headers["content-type"] == "application/octet-stream"
    assert outputs(response.content, response.headers[JSON_LENGTH]).keys() == {"probabilities", "mask"}


async def test_a_compressed_body(service: Service, picture: bytes) -> None:
    body = gzip.compress(json.dumps({"inputs": [in_json(picture)]}).encode())
    response = await service.http.post(INFER, content=body, headers={"Content-Encoding": "gzip"})
    assert response.status_code == 200


async def test_log_metrics_and_drift_learn_of_it(service: Service, picture: bytes) -> None:
    async def counted(line: str) -> float:
        text = (await service.http.get("/metrics")).text
        return sum(float(each.rpartition(" ")[2]) for each in text.splitlines() if each.startswith(line))

    names = (
        'segserve_requests_total{method="POST",model="pets/1",route="/v2/models/{name}/infer",status="200"}',
        'segserve_pictures_total{model="pets/1",output="mask"}',
        'segserve_picture_brightness_count{model="pets/1"}',
        'segserve_stage_seconds_count{stage="inference"}',
    )
    before = [await counted(name) for name in names]
    await infer(service, {"inputs": [in_json(picture, picture)]})
    record = service.last_scope["state"]["record"]
    assert (record.pictures, str(record.model), record.picture_size) == (2, "pets/1", (40, 60))
    after = [await counted(name) for name in names]
    assert [late - early for early, late in zip(before, after, strict=True)] == [1, 2, 2, 2]


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"", {}, 400, "malformed_request"),
        (b"{", {}, 400, "malformed_request"),
        (b"{}", {}, 422, "invalid_parameter"),
        (b"{}", {JSON_LENGTH: "3"}, 400, "malformed_request"),
        (b"{}", {JSON_LENGTH: "-1"}, 400, "malformed_request"),
        (b"", {JSON_LENGTH: "0"}, 400, "empty_image"),
        (b"no picture", {JSON_LENGTH: "0"}, 400, "invalid_image"),
        (b"%PDF-1.7", {JSON_LENGTH: "0"}, 415, "unsupported_image"),
        (b"x", {"Content-Encoding": "br"}, 422, "invalid_parameter"),
        (b"x", {"X-Request-Timeout": "soon"}, 422, "invalid_parameter"),
        (json.dumps({"inputs": [in_json(*[b"x"] * 129)]}).encode(), {}, 413, "too_many_parts"),
        (json.dumps({"inputs": [in_json(b"x")]}).encode(), {}, 400, "invalid_image"),
    ],
)
async def test_bad_requests(service: Service, body: bytes, headers: dict[str, str], status: int, code: str) -> None:
    service.refusal(await service.http.post(INFER, content=body, headers=headers), status, code)


async def test_the_picture_that_is_wrong_is_named(service: Service, picture: bytes) -> None:
    response = await service.http.post(INFER, json={"inputs": [in_json(picture, picture, picture[:200])]})
    assert service.refusal(response, 400, "invalid_image").startswith("picture 2: ")


async def test_models_that_cannot_answer(service: Service, picture: bytes) -> None:
    request = {"inputs": [in_json(picture)]}
    for path in ("other", "pets/versions/9", "pets/versions/0", "pets/versions/no", "pets:1/versions/1", "..", "%00"):
        response = await service.http.post(f"/v2/models/{path}/infer", json=request)
        assert response.status_code == 404, path
        assert response.json().keys() == {"error"}


async def test_another_version_is_loaded_where_requests_may(three_versions: ModelStore, picture: bytes) -> None:
    settings, request = Settings(model_store=three_versions.root, poll_seconds=0), {"inputs": [in_json(picture)]}
    path = "/v2/models/pets/versions/2/infer"
    async with running(settings) as service:
        service.refusal(await service.http.post(path, json=request), 409, "model_not_loaded")
    async with running(settings.model_copy(update={"load_on_request": True})) as service:
        response = await service.http.post(path, json=request)
        assert response.json()["model_version"] == "2"
        assert (await service.http.post(INFER, json=request)).json()["model_version"] == "1"


@pytest.fixture
async def small(settings: Settings) -> AsyncIterator[Service]:
    """A service that takes little of everything."""
    limits = {"max_queue": 1, "max_bytes": 20_000, "max_answer_bytes": 30_000, "max_pixels": 5000, "max_parts": 4}
    async with running(settings.model_copy(update=limits)) as service:
        yield service


async def test_limits(small: Service, picture: bytes) -> None:
    response = await small.http.post(INFER, content=bytes(20_001))
    small.refusal(response, 413, "image_too_large")
    body, headers = binary(bytes(3072 * 3), {"inputs": [image()]})
    small.refusal(await small.http.post(INFER, content=body, headers=headers), 413, "answer_too_large")
    too_much = gzip.compress(bytes(20_001))
    response = await small.http.post(INFER, content=too_much, headers={"Content-Encoding": "gzip"})
    small.refusal(response, 413, "image_too_large")
    large = io.BytesIO()
    Image.new("L", (100, 100)).save(large, "PNG")
    response = await small.http.post(INFER, json={"inputs": [in_json(large.getvalue())], "outputs": [{"name": "mask"}]})
    small.refusal(response, 413, "image_too_large")
    response = await small.http.post(INFER, json={"inputs": [in_json(*[picture] * 5)]})
    small.refusal(response, 413, "too_many_parts")


async def test_masks_together_have_a_bound(small: Service, picture: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.inference.encoding.mask_png", lambda ids, labels: bytes(10_001))
    request = {"inputs": [in_json(*[picture] * 3)], "outputs": [{"name": "mask"}]}
    small.refusal(await small.http.post(INFER, json=request), 413, "answer_too_large")


async def test_probabilities_have_a_place_in_the_budget(settings: Settings) -> None:
    limits = {"max_pixels": 2000, "max_queue_pixels": 2 * 32 * 32}
    async with running(settings.model_copy(update=limits)) as service:
        body, headers = binary(PIXELS.tobytes(), {"inputs": [image()]})
        service.refusal(await service.http.post(INFER, content=body, headers=headers), 413, "answer_too_large")
        body, headers = binary(PIXELS[:2].tobytes(), {"inputs": [image(count=2)]})
        service.refusal(await service.http.post(INFER, content=body, headers=headers), 503, "overloaded")
        body, headers = binary(PIXELS[:1].tobytes(), {"inputs": [image(count=1)]})
        assert (await service.http.post(INFER, content=body, headers=headers)).status_code == 200
        assert service.state.pool.budget.taken == 0


async def test_memory_that_runs_out(service: Service, picture: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("app.api.oip.infer.encode_answers", fails)
    response = await service.http.post(INFER, json={"inputs": [in_json(picture)]})
    assert "no memory" in service.refusal(response, 503, "overloaded")


async def test_a_full_service_refuses_before_it_reads(small: Service) -> None:
    with small.state.admission.slot():
        for path in (INFER, "/v2/models/pets/versions/1/infer"):
            response = await small.http.post(path, content=b"{")
            small.refusal(response, 503, "overloaded")
            assert response.headers["retry-after"] == "1"
        assert (await small.http.get("/v2/models/pets")).status_code == 200


async def test_a_time_limit(service: Service, picture: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    default = service.state.pool.default
    assert default is not None
    going_on = asyncio.Event()

    async def waits(*_: object) -> None:
        await going_on.wait()

    monkeypatch.setattr(default.segmenter, "segment", waits)
    for request, headers in (
        ({"inputs": [in_json(picture)], "parameters": {"timeout": 1000}}, {}),
        ({"inputs": [in_json(picture)]}, {"X-Request-Timeout": "0.001"}),
    ):
        response = await service.http.post(INFER, json=request, headers=headers)
        assert "0.001 seconds" in service.refusal(response, 504, "deadline_exceeded")
    await until(lambda: service.state.admission.admitted == 0)


async def test_an_engine_that_fails(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    default = service.state.pool.default
    assert default is not None
    real = default.model.engine.infer

    def fails(images: Images) -> Probabilities:
        if (images == 7).all():
            raise RuntimeError("no")
        return real(images)

    monkeypatch.setattr(default.model.engine, "infer", fails)
    body, headers = binary(bytes(3072) + bytes([7]) * 3072, {"inputs": [image(count=2)]})
    response = await service.http.post(INFER, content=body, headers=headers)
    assert service.refusal(response, 500, "inference_failed") == "picture 1: the engine failed on this picture"


async def test_pixels_count_against_a_key(settings: Settings) -> None:
    keys = written("segment", pixels_per_second=1)
    async with running(settings.model_copy(update={"api_keys": keys})) as service:
        service.http.headers.update(WITH_KEY)
        body, headers = binary(PIXELS.tobytes(), {"inputs": [image()]})
        response = await service.http.post(INFER, content=body, headers=headers)
        service.refusal(response, 429, "too_many_requests")
        assert int(response.headers["retry-after"]) >= 1


async def test_results_are_in_order_and_so_many_at_a_time() -> None:
    at_work = most = 0
    gates = [asyncio.Event() for _ in range(5)]

    async def work(index: int) -> int:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await gates[index].wait()
        at_work -= 1
        return index * 10

    task = asyncio.create_task(in_order(work, 5, 2))
    await until(lambda: at_work == 2)
    for gate in reversed(gates):
        gate.set()
    assert await task == [0, 10, 20, 30, 40]
    assert most == 2


async def test_the_first_error_ends_the_others() -> None:
    ended: list[int] = []

    async def work(index: int) -> None:
        if index == 1:
            raise OverloadedError("full")
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(index)

    with pytest.raises(OverloadedError):
        await in_order(work, 9, 3)
    assert sorted(ended) == [0, 2]


VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers(), max_size=5)
)
NAMES = st.sampled_from(["image", "encoded_image", "mask", "probabilities", "data", "other", ""])


@st.composite
def mutated(draw: st.DrawFn) -> tuple[bytes, dict[str, str]]:
    """A request that was right until something in it was changed."""
    datatype = draw(st.sampled_from(["UINT8", "FP32", "BYTES", "INT64"]))
    shape: list[Any] = [1] if datatype == "BYTES" else [1, 32, 32, 3]
    sizes = {"UINT8": 3072, "FP32": 12_288, "BYTES": 0, "INT64": 24_576}
    tensor = draw(st.binary(max_size=8)) + bytes(sizes[datatype])
    tensor = element(tensor) if draw(st.booleans()) and datatype == "BYTES" else tensor[-sizes[datatype] or None :]
    given_input: dict[str, Any] = {"name": draw(NAMES), "shape": shape, "datatype": datatype}
    if draw(st.booleans()):
        given_input["data"] = draw(VALUES | st.just([0] * 3072) | st.just([[[[0] * 3] * 32] * 32]))
    if draw(st.booleans()):
        given_input["parameters"] = {"binary_data_size": draw(st.integers() | st.just(len(tensor)) | VALUES)}
    for _ in range(draw(st.integers(0, 2))):
        given_input["shape"][draw(st.integers(0, len(shape) - 1))] = draw(st.integers() | VALUES)
    request: Any = {"inputs": [given_input]}
    for name in draw(st.lists(st.sampled_from(["id", "parameters", "inputs", "outputs", "é"]), max_size=2)):
        request[name] = draw(VALUES | st.lists(st.dictionaries(NAMES, VALUES, max_size=3), max_size=3))
    text = json.dumps(request).encode()
    if draw(st.booleans()):
        begin = draw(st.integers(0, len(text)))
        text = text[:begin] + draw(st.binary(max_size=4)) + text[begin + draw(st.integers(0, 9)) :]
    headers = {JSON_LENGTH: draw(st.just(str(len(text))) | st.integers(-1, 5000).map(str))}
    return text + tensor, headers if draw(st.booleans()) else {}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(sent=mutated())
async def test_whatever_is_sent_is_answered_or_refused(service: Service, sent: tuple[bytes, dict[str, str]]) -> None:
    response = await service.http.post(INFER, content=sent[0], headers=sent[1])
    _require_sound(response)
    assert service.state.admission.admitted == 0


def _require_sound(response: httpx.Response) -> None:
    if response.status_code == 200:
        assert outputs(response.content, response.headers.get(JSON_LENGTH))
        return
    assert 400 <= response.status_code < 500, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.json().keys() == {"error"}
    assert response.json()["error"]
