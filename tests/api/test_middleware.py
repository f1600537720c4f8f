import asyncio
import json
import re
from collections.abc import AsyncIterator
from unittest.mock import AsyncMock

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.datastructures import Headers
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from app.api.access import AccessRecord
from app.api.middleware import PROTECTION, UnforeseenErrorMiddleware
from app.core.settings import Settings
from tests.api.running import Service, running

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("given", ["a", "7f1c9a52-e0b8", "Root=1-67891233-abcdef012345678912345678", "x" * 128])
async def test_a_harmless_request_id_is_kept(service: Service, given: str) -> None:
    response = await service.http.get("/health/live", headers={"X-Request-ID": given})
    assert response.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "two words", "x" * 129, "line\tbreak", 'quote"', "<b>"])
async def test_any_other_request_id_is_replaced(service: Service, given: str) -> None:
    response = await service.http.get("/health/live", headers={"X-Request-ID": given})
    assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])


async def test_every_answer_is_protected(service: Service) -> None:
    for path in ("/health/live", "/nothing", "/model", "/metrics"):
        headers = (await service.http.get(path)).headers
        assert {name: headers[name] for name in PROTECTION} == PROTECTION
    assert "connection" not in headers


async def test_head_is_get_without_a_body(service: Service) -> None:
    got = await service.http.get("/model")
    headed = await service.http.head("/model")
    assert headed.content == b""
    assert headed.status_code == 200
    for name in ("content-length", "etag", "content-type"):
        assert headed.headers[name] == got.headers[name]
    service.problem(await service.http.get("/segment"), 405, "method_not_allowed")
    assert (await service.http.head("/segment")).status_code == 405


async def test_a_failure_in_the_middle_of_an_answer_reaches_the_server_which_cuts_the_connection(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half an answer"
        raise RuntimeError("disk gone")

    async def half() -> StreamingResponse:
        return StreamingResponse(broken())

    async with running(settings, loaded=False) as service:
        service.app.add_api_route("/half", half, include_in_schema=False)
        with pytest.raises(RuntimeError, match="disk gone"):
            await service.http.get("/half")
    assert "unforeseen error" in caplog.text


async def test_what_fails_outside_of_requests_reaches_the_server() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("at the start")

    with pytest.raises(RuntimeError, match="at the start"):
        await UnforeseenErrorMiddleware(broken)({"type": "lifespan"}, AsyncMock(), AsyncMock())


async def test_a_request_that_is_cut_off_is_told_to_come_again() -> None:
    begun = asyncio.Event()
    sent: list[Message] = []

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["half"]:
            await send({"type": "http.response.start", "status": 200})
        begun.set()
        await asyncio.Event().wait()

    async def send(message: Message) -> None:
        sent.append(message)

    async def cut_off(half: bool) -> "asyncio.Task[None]":
        record = AccessRecord("id", "POST", status=200 if half else 0)
        scope = {"type": "http", "half": half, "state": {"record": record}}
        task = asyncio.ensure_future(UnforeseenErrorMiddleware(endless)(scope, AsyncMock(), send))
        await begun.wait()
        begun.clear()
        task.cancel()
        await asyncio.wait({task})
        return task

    assert not (await cut_off(half=False)).cancelled()
    start, body = sent
    assert start["status"] == 503
    assert Headers(raw=start["headers"])["retry-after"] == "1"
    assert json.loads(body["body"])["code"] == "model_not_ready"
    sent.clear()
    assert (await cut_off(half=True)).cancelled()
    assert [message["type"] for message in sent] == ["http.response.start"]


async def test_while_draining_every_answer_ends_its_connection(settings: Settings) -> None:
    async with running(settings) as service:
        service.state.drain()
        assert (await service.http.get("/health/live")).headers["connection"] == "close"


async def test_requests_are_counted_by_template(settings: Settings) -> None:
    async with running(settings, loaded=False) as service:
        for method, path in [("GET", "/static/a"), ("GET", "/static/b"), ("GET", "/x"), ("GET", "/y"), ("BREW", "/z")]:
            await service.http.request(method, path)
        await service.http.get("/segment")
        text = (await service.http.get("/metrics")).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    counted = {
        (sample.labels["route"], sample.labels["method"], sample.labels["status"]): sample.value
        for sample in samples
        if sample.name == "segserve_requests_total"
    }
    assert counted == {
        ("/static/{path:path}", "GET", "404"): 2,
        ("unmatched", "GET", "404"): 2,
        ("unmatched", "other", "404"): 1,
        ("/segment", "GET", "405"): 1,
    }
    assert [sample.value for sample in samples if sample.name == "segserve_requests_in_flight"] == [1]
