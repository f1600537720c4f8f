import asyncio
import io
import json
import re
import zipfile
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.core.settings import Settings
from app.inference.segmenter import SegmentAnswer
from tests.api.running import Service, running

pytestmark = pytest.mark.anyio


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


async def test_a_mask_has_the_size_of_the_picture_and_class_ids_as_values(service: Service, picture: bytes) -> None:
    response = await service.http.post("/segment", content=picture)
    mask = opened(response.content)
    assert (mask.format, mask.mode, mask.size) == ("PNG", "P", (60, 40))
    assert set(np.unique(np.asarray(mask))) <= {0, 1, 2}
    assert len(np.unique(np.asarray(mask))) > 1  # the drawn network finds more than one class


@pytest.mark.parametrize(
    ("output", "media_type", "filename"),
    [
        ("mask", "image/png", "mask.png"),
        ("overlay", "image/png", "overlay.png"),
        ("cutout", "image/png", "cutout.png"),
        ("probabilities", "application/x-npy", "probabilities.npy"),
        ("json", "application/json", "segmentation.json"),
        ("polygons", "application/geo+json", "polygons.geojson"),
        ("coco", "application/json", "coco.json"),
        ("label-studio", "application/json", "label-studio.json"),
        ("cvat", "application/json", "cvat.json"),
        ("huggingface", "application/json", "huggingface.json"),
        ("yolo", "text/plain; charset=utf-8", "yolo.txt"),
        ("mask,coco", "application/zip", "segmentation.zip"),
        ("zip", "application/zip", "segmentation.zip"),
    ],
)
async def test_every_output_carries_the_headers_of_an_answer(
    service: Service, picture: bytes, output: str, media_type: str, filename: str
) -> None:
    response = await service.http.post("/segment", params={"output": output}, content=picture)
    headers = response.headers
    assert (response.status_code, headers["content-type"]) == (200, media_type)
    assert headers["content-disposition"] == f'inline; filename="{filename}"'
    assert headers["cache-control"] == "no-store"
    assert service.state.pool.default is not None
    assert headers["segserve-model"] == service.state.pool.default.model.identity.header
    assert re.fullmatch(r"pets/1; sha256=[0-9a-f]{64}; engine=\w+; precision=f32", headers["segserve-model"])
    stages = dict(re.findall(r"(\w+);dur=([0-9.]+)", headers["server-timing"]))
    assert list(stages) == ["decode", "queue", "inference", "encode"]
    assert 0 < float(stages["inference"]) < 60_000


async def test_overlay_and_cutout_show_the_picture(service: Service, picture: bytes) -> None:
    for output, mode in (("overlay", "RGB"), ("cutout", "RGBA")):
        shown = opened((await service.http.post(f"/segment?output={output}", content=picture)).content)
        assert (shown.mode, shown.size) == (mode, (60, 40))


async def test_probabilities_at_both_sizes(service: Service, picture: bytes) -> None:
    for query, shape in {"": (32, 32, 3), "&size=model": (32, 32, 3), "&size=original": (40, 60, 3)}.items():
        response = await service.http.post(f"/segment?output=probabilities{query}", content=picture)
        probabilities = np.load(io.BytesIO(response.content))
        assert (probabilities.shape, probabilities.dtype) == (shape, np.float16)
        np.testing.assert_allclose(probabilities.astype(np.float64).sum(axis=-1), 1.0, atol=5e-3)


async def test_several_outputs_are_those_of_one_each(service: Service, picture: bytes) -> None:
    form = {"file": ("cats/cat ä.jpg", picture)}
    response = await service.http.post("/segment?output=mask,coco,overlay&classes=pet", files=form)
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.namelist() == ["mask.png", "coco.json", "overlay.png"]
        for output, name in (("mask", "mask.png"), ("coco", "coco.json"), ("overlay", "overlay.png")):
            alone = await service.http.post(f"/segment?output={output}&classes=pet", files=form)
            assert archive.read(name) == alone.content
        assert json.loads(archive.read("coco.json"))["images"][0]["file_name"] == "cats/cat ä.jpg"


async def test_what_is_lost_is_said(service: Service, picture: bytes) -> None:
    async def lossy(query: str) -> str | None:
        response = await service.http.post(f"/segment?output={query}", content=picture)
        assert response.status_code == 200
        lost: str | None = response.headers.get("segserve-lossy")
        return lost

    assert await lossy("polygons") is None
    assert await lossy("polygons&tolerance=1.5") == "polygons;tolerance=1.5"
    assert await lossy("mask,coco&segmentation=polygons&tolerance=2") == "coco;tolerance=2.0"


async def test_accept_decides_where_output_does_not(service: Service, picture: bytes) -> None:
    for accept, media_type in {"application/json": "application/json", "image/*": "image/png"}.items():
        response = await service.http.post("/segment", content=picture, headers={"Accept": accept})
        assert response.headers["content-type"] == media_type
    response = await service.http.post("/segment", content=picture, headers={"Accept": "text/html"})
    service.problem(response, 406, "not_acceptable")
    response = await service.http.post("/segment?output=mask", content=picture, headers={"Accept": "text/html"})
    assert response.headers["content-type"] == "image/png"


async def test_classes_and_threshold_leave_pixels_undecided(service: Service, picture: bytes) -> None:
    async def answer(query: str) -> dict[str, int]:
        body = json.loads((await service.http.post(f"/segment?output=json{query}", content=picture)).content)
        counts = {entry["name"]: entry["pixels"] for entry in body["classes"]}
        return {**counts, "undecided": body["undecided"]["pixels"]}

    everything = await answer("")
    assert everything["undecided"] == 0
    kept = max(("pet", "background", "border"), key=everything.__getitem__)
    alone = await answer(f"&classes={kept}")
    assert alone[kept] == everything[kept]
    assert alone["undecided"] == 40 * 60 - everything[kept]
    assert (await answer("&threshold=1"))["undecided"] > 0
    assert await answer("&threshold=0&classes=pet,background,border") == everything


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("treshold=0.5", "treshold"),
        ("Output=mask", "Output"),
        ("output=png", "output"),
        ("output=", "output"),
        ("threshold=2", "threshold"),
        ("threshold=-0.1", "threshold"),
        ("threshold=nan", "threshold"),
        ("threshold=inf", "threshold"),
        ("threshold=a", "threshold"),
        ("threshold=" + "9" * 5000, "threshold"),
        ("classes=", "classes"),
        ("classes=pet,dog", "classes"),
        ("classes=" + "x" * 20_000, "classes"),
        ("output=mask&output=json", "output"),
        ("size=original", "size"),
        ("size=huge&output=probabilities", "size"),
        ("model=", "model"),
        ("model=" + "x" * 20_000, "model"),
        ("tile=" + "9" * 5000, "tile"),
        ("tile=-1", "tile"),
        ("tile=1e9", "tile"),
        ("timeout=" + "9" * 5000, "timeout"),
        ("timeout=1e-400", "timeout"),
        ("timeout=nan", "timeout"),
        ("flip=" + "1" * 5000, "flip"),
        ("output=masks", "output"),
        ("output=mask,mask", "output"),
        ("output=" + "mask," * 5000, "output"),
        ("tolerance=1", "tolerance"),
        ("output=yolo&tolerance=-1", "tolerance"),
        ("output=yolo&tolerance=1e9", "tolerance"),
        ("output=coco&segmentation=bits", "segmentation"),
        ("output=label-studio&from_name=", "from_name"),
        ("output=label-studio&to_name=%20", "to_name"),
        ("output=huggingface&components=true", "components"),
        ("x" * 20_000 + "=1", "x" * 80),
    ],
)
async def test_a_wrong_parameter_is_named(service: Service, picture: bytes, query: str, parameter: str) -> None:
    body = service.problem(await service.http.post(f"/segment?{query}", content=picture), 422, "invalid_parameter")
    assert body["parameter"] == parameter
    assert len(body["detail"]) < 500


@pytest.mark.parametrize("reference", ["pets", "pets:1", "pets:production"])
async def test_a_model_can_be_named(service: Service, picture: bytes, reference: str) -> None:
    response = await service.http.post("/segment", params={"model": reference}, content=picture)
    assert response.headers["segserve-model"].startswith("pets/1;")


@pytest.mark.parametrize("reference", ["dogs", "pets:2", "pets:staging", "../pets", "pets:1:2", "PETS", "pets:", "\0"])
async def test_an_unknown_model_is_not_found(service: Service, picture: bytes, reference: str) -> None:
    response = await service.http.post("/segment", params={"model": reference}, content=picture)
    service.problem(response, 404, "model_not_found")


async def test_more_requests_than_places_are_turned_away(
    settings: Settings, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(settings.model_copy(update={"max_queue": 2})) as service:
        assert service.state.pool.default is not None
        segmenter = service.state.pool.default.segmenter
        segment, entered, release = segmenter.segment, asyncio.Semaphore(0), asyncio.Event()

        async def held(*arguments: Any) -> SegmentAnswer:
            entered.release()
            await release.wait()
            return await segment(*arguments)

        monkeypatch.setattr(segmenter, "segment", held)
        inside = [asyncio.create_task(service.http.post("/segment", content=picture)) for _ in range(2)]
        await entered.acquire()
        await entered.acquire()
        response = await service.http.post("/segment?model=none", content=picture)  # nothing of it is looked at
        service.problem(response, 503, "overloaded")
        assert response.headers["retry-after"] == "1"
        counted = [line for line in (await service.http.get("/metrics")).text.splitlines() if 'status="503"' in line]
        assert [(line.partition("{")[0], 'route="/segment"' in line) for line in counted] == [
            ("segserve_requests_total", True)
        ]
        assert (await service.http.get("/health/ready")).status_code == 200
        release.set()
        assert [answer.status_code for answer in await asyncio.gather(*inside)] == [200, 200]
        assert (await service.http.post("/segment", content=picture)).status_code == 200


async def test_an_answer_that_would_be_too_large(settings: Settings, picture: bytes) -> None:
    async with running(settings.model_copy(update={"max_answer_bytes": 20_000})) as service:
        response = await service.http.post("/segment?output=probabilities&size=original", content=picture)
        service.problem(response, 413, "answer_too_large")
        assert (await service.http.post("/segment", content=picture)).status_code == 200


async def test_many_at_a_time_get_their_own_answers(service: Service) -> None:
    def drawn(width: int) -> bytes:
        file = io.BytesIO()
        Image.new("RGB", (width, 20), (width * 3, 0, 0)).save(file, "PNG")
        return file.getvalue()

    answers = await asyncio.gather(*(service.http.post("/segment", content=drawn(width)) for width in range(10, 40)))
    assert [opened(answer.content).size for answer in answers] == [(width, 20) for width in range(10, 40)]


@pytest.mark.parametrize(("query", "headers"), [("?timeout=0.02", {}), ("", {"X-Request-Timeout": "0.02"})])
async def test_a_deadline_is_kept(
    service: Service, picture: bytes, monkeypatch: pytest.MonkeyPatch, query: str, headers: dict[str, str]
) -> None:
    assert service.state.pool.default is not None
    cancelled = asyncio.Event()

    async def never(*arguments: Any) -> SegmentAnswer:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError

    monkeypatch.setattr(service.state.pool.default.segmenter, "segment", never)
    response = await service.http.post(f"/segment{query}", content=picture, headers=headers)
    body = service.problem(response, 504, "deadline_exceeded")
    assert "within the 0.02 seconds" in body["detail"]
    await asyncio.wait_for(cancelled.wait(), 30)
    await asyncio.sleep(0)
    assert service.state.admission.admitted == 0


async def test_a_deadline_that_is_none(service: Service, picture: bytes) -> None:
    response = await service.http.post("/segment", content=picture, headers={"X-Request-Timeout": "soon"})
    assert service.problem(response, 422, "invalid_parameter")["parameter"] == "X-Request-Timeout"
    response = await service.http.post("/segment?timeout=0", content=picture)
    assert service.problem(response, 422, "invalid_parameter")["parameter"] == "timeout"


async def test_more_pixels_than_the_budget(settings: Settings, picture: bytes) -> None:
    tight = settings.model_copy(update={"max_pixels": 2400, "max_queue_pixels": 2400})
    async with running(tight) as service:
        assert service.state.pool.default is not None
        with service.state.pool.default.segmenter._resources.budget.ticket() as claim:
            claim(1)
            response = await service.http.post("/segment", content=picture)
            service.problem(response, 503, "overloaded")
            assert int(response.headers["retry-after"]) >= 1
        assert (await service.http.post("/segment", content=picture)).status_code == 200
