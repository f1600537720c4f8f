import asyncio
import base64
import io
import json
import zipfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import anyio
import httpx
import numpy as np
import pytest
from PIL import Image
from starlette.types import Message

from app.api.body import Upload
from app.api.errors import Problem
from app.api.many import ManyAnswers, Result, results, zipped
from app.api.waiting import ended
from app.core.errors import DecodeTimeoutError, InvalidImageError
from app.core.settings import Settings
from app.imaging.observation import Observation
from app.inference.loaded import ModelIdentity
from app.inference.segmenter import SegmentAnswer, Timings
from app.inference.workers import Tell
from tests.api.running import Service, running
from tests.fixtures.waiting import until

pytestmark = pytest.mark.anyio

MODEL = ModelIdentity("pets", 1, "ab" * 32, "openvino", "f32")


def answer(content: bytes) -> SegmentAnswer:
    return SegmentAnswer(content, "mask", MODEL, (1, 1), Observation(0.5, 0.5, ()), Timings(1, 2, 3, 4))


def uploads(count: int) -> list[Upload]:
    return [Upload(bytes([number]), f"{number}.jpg") for number in range(count)]


def files(*pictures: bytes) -> list[tuple[str, tuple[str, bytes]]]:
    return [("file", (f"cat {number}.jpg", data)) for number, data in enumerate(pictures)]


def lines(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/x-ndjson"
    found = [json.loads(line) for line in response.content.splitlines()]
    return sorted(found, key=lambda line: int(line["index"]))


async def test_results_come_as_they_are_ready_and_no_more_are_begun_than_asked() -> None:
    gates = [asyncio.Event() for _ in range(5)]
    begun: list[int] = []

    async def segment(upload: Upload, tell: Tell) -> SegmentAnswer:
        begun.append(upload.data[0])
        await gates[upload.data[0]].wait()
        return answer(upload.data)

    found = results(uploads(5), segment, 2, None, set())
    for gate, begun_by_then in [
        (1, [0, 1]),
        (2, [0, 1, 2]),
        (0, [0, 1, 2, 3]),
        (4, [0, 1, 2, 3, 4]),
        (3, [0, 1, 2, 3, 4]),
    ]:
        gates[gate].set()
        assert (await anext(found)).index == gate
        assert begun == begun_by_then
    with pytest.raises(StopAsyncIteration):
        await anext(found)


async def test_each_fails_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def segment(upload: Upload, tell: Tell) -> SegmentAnswer:
        if upload.data[0] == 1:
            raise InvalidImageError("torn")
        if upload.data[0] == 2:
            raise RuntimeError("/secret/path")
        if upload.data[0] == 3:
            await asyncio.Event().wait()
        return answer(upload.data)

    deadline = asyncio.get_running_loop().time() + 0.05
    outcomes = {result.index: result.outcome async for result in results(uploads(5), segment, 5, deadline, set())}
    problems = {index: outcome for index, outcome in outcomes.items() if isinstance(outcome, Problem)}
    assert {index: (problem.status, problem.code) for index, problem in problems.items()} == {
        1: (400, "invalid_image"), 2: (500, "internal_error"), 3: (504, "deadline_exceeded")
    }  # fmt: skip
    assert problems[1].detail == "torn"
    assert "secret" not in problems[2].detail
    assert "/secret/path" in caplog.text


async def test_what_is_told_is_a_result_at_once_and_its_task_is_held_until_it_ends() -> None:
    let_go, given_up = asyncio.Event(), set[asyncio.Task[Any]]()

    async def segment(upload: Upload, tell: Tell) -> SegmentAnswer:
        if upload.data[0] == 0:
            tell(DecodeTimeoutError("too long"))
            try:
                await asyncio.Event().wait()
            finally:  # its thread
                await let_go.wait()
        return answer(upload.data)

    outcomes = {result.index: result.outcome async for result in results(uploads(3), segment, 1, None, given_up)}
    late = outcomes.pop(0)
    assert isinstance(late, Problem)
    assert (late.status, late.code) == (504, "decode_timeout")
    assert all(isinstance(outcome, SegmentAnswer) for outcome in outcomes.values())
    (task,) = given_up
    assert not task.done()
    let_go.set()
    await ended(given_up)
    assert task.cancelled()


async def test_what_is_left_is_given_up() -> None:
    cancelled: list[int] = []
    given_up: set[asyncio.Task[Any]] = set()

    async def segment(upload: Upload, tell: Tell) -> SegmentAnswer:
        try:
            await (asyncio.sleep(0) if upload.data[0] == 0 else asyncio.Event().wait())
        except asyncio.CancelledError:
            cancelled.append(upload.data[0])
            raise
        return answer(upload.data)

    found = results(uploads(9), segment, 3, None, given_up)
    await anext(found)
    await found.aclose()
    await ended(given_up)
    assert sorted(cancelled) == [1, 2]


async def test_names_in_an_archive_stay_in_their_folder() -> None:
    async def found() -> AsyncIterator[Result]:
        for index, name in enumerate(["../../etc/passwd", "C:\\x\\katze ü.tar.gz", "", None, "a" * 300, "..", "/"]):
            yield Result(index, name, answer(b"x"))

    data = b"".join([chunk async for chunk in zipped(found())])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    assert names[:3] == ["0000-passwd.png", "0001-C_x_katze_ü_tar.png", "0002-picture.png"]
    assert all(name[:5] == f"{index:04d}-" and "/" not in name and len(name) < 80 for index, name in enumerate(names))


async def test_a_client_that_goes_lets_go_of_everything() -> None:
    released, cancelled = asyncio.Event(), asyncio.Event()

    async def segment(upload: Upload, tell: Tell) -> SegmentAnswer:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return answer(upload.data)

    async def receive() -> Message:
        await anyio.sleep(0.02)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        """Nobody reads it."""

    given_up: set[asyncio.Task[Any]] = set()
    held = AsyncExitStack()
    held.callback(released.set)
    held.push_async_callback(ended, given_up)
    response = ManyAnswers(results(uploads(3), segment, 2, None, given_up), "ndjson", held, {})
    async with asyncio.timeout(10):
        await response({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)
    assert released.is_set()
    assert cancelled.is_set()


async def test_lines(service: Service, picture: bytes) -> None:
    alone = await service.http.post("/segment", content=picture)
    response = await service.http.post("/segment", files=files(picture, b"no picture", picture))
    assert response.headers["segserve-model"] == alone.headers["segserve-model"]
    assert response.headers["cache-control"] == "no-store"
    first, second, third = lines(response)
    for line, name in [(first, "cat 0.jpg"), (third, "cat 2.jpg")]:
        assert line.keys() == {"index", "filename", "status", "model", "size", "timings", "media_type", "content"}
        assert (line["filename"], line["status"], line["media_type"]) == (name, 200, "image/png")
        assert (line["model"]["name"], line["size"]) == ("pets", [40, 60])
        assert line["timings"].keys() == {"decode", "queue", "inference", "encode"}
        assert base64.b64decode(line["content"]) == alone.content
    assert (second["index"], second["filename"], second["status"]) == (1, "cat 1.jpg", 400)
    assert second["problem"]["code"] == "invalid_image"
    assert second["problem"]["request_id"] == response.headers["x-request-id"]


async def test_lines_of_json(service: Service, picture: bytes) -> None:
    alone = (await service.http.post("/segment?output=json", content=picture)).json()
    for query, headers in [("?output=json", {}), ("", {"Accept": "application/json"})]:
        response = await service.http.post(f"/segment{query}", files=files(picture, picture), headers=headers)
        assert [line["result"] for line in lines(response)] == [alone, alone]


@pytest.mark.parametrize("output", ["coco", "polygons", "label-studio", "cvat", "huggingface"])
async def test_lines_hold_all_that_is_json_as_it_is(service: Service, picture: bytes, output: str) -> None:
    named = files(picture, picture)
    alone = [(await service.http.post(f"/segment?output={output}", files=[each])).json() for each in named]
    found = lines(await service.http.post(f"/segment?output={output}", files=named))
    assert [line["result"] for line in found] == alone


async def test_lines_say_what_is_lost(service: Service, picture: bytes) -> None:
    first, second = lines(await service.http.post("/segment?output=yolo&tolerance=2", files=files(picture, picture)))
    assert first["lossy"] == second["lossy"]
    assert first["lossy"].startswith("yolo;")
    assert first["media_type"] == "text/plain"
    assert "lossy" not in lines(await service.http.post("/segment?many=ndjson", content=picture))[0]


async def test_an_archive(service: Service, picture: bytes) -> None:
    alone = await service.http.post("/segment?output=cutout", content=picture)
    response = await service.http.post("/segment?output=cutout&many=zip", files=files(picture, b"", picture))
    assert (response.status_code, response.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert sorted(archive.namelist()) == ["0000-cat_0.png", "0001-cat_1.problem.json", "0002-cat_2.png"]
        assert archive.read("0002-cat_2.png") == alone.content
        assert json.loads(archive.read("0001-cat_1.problem.json"))["code"] == "empty_image"


async def test_one_picture_as_one_of_many(service: Service, picture: bytes) -> None:
    (line,) = lines(await service.http.post("/segment?many=ndjson", content=picture))
    assert (line["index"], line["filename"], line["status"]) == (0, None, 200)
    assert np.asarray(Image.open(io.BytesIO(base64.b64decode(line["content"])))).shape == (40, 60)


async def test_what_is_wrong_with_all_is_said_at_once(service: Service, picture: bytes) -> None:
    both = files(picture, picture)
    response = await service.http.post("/segment?classes=dog", files=both)
    service.problem(response, 422, "invalid_parameter")
    service.problem(await service.http.post("/segment?many=tar", files=both), 422, "invalid_parameter")
    service.problem(await service.http.post("/segment?model=pets:9", files=both), 404, "model_not_found")
    assert service.state.admission.admitted == 0


async def test_a_request_of_many_does_not_hold_up_one_of_one(settings: Settings, picture: bytes) -> None:
    async with running(settings.model_copy(update={"max_queue": 2})) as service:
        many = asyncio.create_task(service.http.post("/segment", files=files(*[picture] * 100)))
        await until(lambda: service.state.pool.default and service.state.pool.default.segmenter.scheduler.in_flight)
        assert service.state.admission.admitted == 1
        assert (await service.http.post("/segment", content=picture)).status_code == 200
        assert not many.done()
        assert len(lines(await many)) == 100
        assert service.state.admission.admitted == 0


async def test_a_deadline_holds_for_all(settings: Settings, picture: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(settings) as service:
        assert service.state.pool.default is not None
        segmenter = service.state.pool.default.segmenter
        real, begun = segmenter.segment, []

        async def slow_but_for_the_first(*arguments: Any) -> SegmentAnswer:
            begun.append(1)
            if len(begun) > 1:
                await asyncio.Event().wait()
            return await real(*arguments)

        monkeypatch.setattr(segmenter, "segment", slow_but_for_the_first)
        response = await service.http.post("/segment?timeout=0.5", files=files(*[picture] * 4))
        assert [line["status"] for line in lines(response)] == [200, 504, 504, 504]
