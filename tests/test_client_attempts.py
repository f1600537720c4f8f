"""What the client does when a service has no time, hangs, breaks off, or is none."""

import asyncio
import json
import random
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from app.client import AsyncClient, Client, DeadlineExceededError, RefusedError, SegserveError, UnavailableError
from tests.fixtures.scripted_server import ScriptedServer, Step, answer, scripted

pytestmark = pytest.mark.anyio

MODELS = answer(200, b'{"models": []}')
BUSY = answer(503, json.dumps({"code": "overloaded", "detail": "full"}).encode(), "X-Request-ID: r1", "Retry-After: 7")


@dataclass
class Clock:
    """A clock that waiting moves, and nothing else."""

    now: float = 100.0
    pauses: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(random, "random", lambda: 0.5)
    return Clock()


async def ask(
    server: ScriptedServer,
    clock: Clock | None = None,
    *,
    asynchronous: bool = False,
    within: float = 60.0,
    retries: int = 6,
) -> list[object]:
    """Asks for the models, which needs no picture."""
    now: Callable[[], float] = clock or time.monotonic
    if asynchronous:
        sleep_async = clock.sleep_async if clock else asyncio.sleep
        async with AsyncClient(server.url, timeout=within, retries=retries, sleep=sleep_async, clock=now) as client:
            return list(await client.models())
    sleep = clock.sleep if clock else time.sleep
    with Client(server.url, timeout=within, retries=retries, sleep=sleep, clock=now) as each:
        return list(each.models())


both = pytest.mark.parametrize("asynchronous", [False, True])


@both
async def test_it_comes_again_when_the_service_says(clock: Clock, asynchronous: bool) -> None:
    with scripted(BUSY, BUSY, MODELS) as server:
        assert await ask(server, clock, asynchronous=asynchronous) == []
    assert clock.pauses == [7 + 0.125, 7 + 0.25]
    assert len(server.requests) == 3
    assert server.connections == 1


@pytest.mark.parametrize("status", [429, 502, 503])
async def test_without_a_word_it_waits_longer_each_time(clock: Clock, status: int) -> None:
    with scripted(*[answer(status)] * 6, MODELS) as server:
        assert await ask(server, clock) == []
    assert clock.pauses == [0.125, 0.25, 0.5, 1, 2, 4]


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "", "inf"])
async def test_a_word_that_says_nothing(clock: Clock, value: str) -> None:
    with scripted(answer(503, b"", f"Retry-After: {value}"), MODELS) as server:
        assert await ask(server, clock) == []
    assert clock.pauses == [0.125]


async def test_a_date_is_a_word_too_by_the_service_s_own_clock(clock: Clock) -> None:
    wrong = datetime.now(UTC) - timedelta(days=3)
    headers = (f"Date: {format_datetime(wrong)}", f"Retry-After: {format_datetime(wrong + timedelta(seconds=9))}")
    past = ("Retry-After: Wed, 21 Oct 2015 07:28:00 GMT",)
    with scripted(answer(503, b"", *headers), answer(503, b"", *past), MODELS) as server:
        assert await ask(server, clock) == []
    assert clock.pauses == [9.125, 0.25]


@both
async def test_it_gives_up_once_there_is_no_time_to_come_again(clock: Clock, asynchronous: bool) -> None:
    with scripted(BUSY) as server, pytest.raises(UnavailableError) as gone:
        await ask(server, clock, asynchronous=asynchronous, within=10)
    error = gone.value
    assert (error.code, error.status, error.request_id, error.retry_after) == ("overloaded", 503, "r1", 7)
    assert len(server.requests) == 2
    assert sum(clock.pauses) < 10


async def test_it_gives_up_after_so_many_attempts(clock: Clock) -> None:
    with scripted(BUSY) as server, pytest.raises(UnavailableError):
        await ask(server, clock, retries=2)
    assert len(server.requests) == 3
    with scripted(BUSY) as server, pytest.raises(UnavailableError):
        await ask(server, clock, retries=0)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (302, RefusedError, "found"),
        (400, RefusedError, "bad_request"),
        (401, RefusedError, "unauthorized"),
        (404, RefusedError, "not_found"),
        (408, RefusedError, "request_timeout"),
        (500, UnavailableError, "internal_server_error"),
        (504, DeadlineExceededError, "gateway_timeout"),
        (599, UnavailableError, "status_599"),
    ],
)
async def test_what_is_not_asked_again(clock: Clock, status: int, kind: type[SegserveError], code: str) -> None:
    with scripted(answer(status, b"<html>", "Retry-After: 1")) as server, pytest.raises(kind) as refused:
        await ask(server, clock)
    assert type(refused.value) is kind
    assert (refused.value.code, refused.value.status, len(server.requests)) == (code, status, 1)


@both
@pytest.mark.parametrize("broken", ["break", "cut", b"no HTTP\r\n\r\n"])
async def test_a_connection_that_breaks_is_made_anew(clock: Clock, broken: Step, asynchronous: bool) -> None:
    with scripted(broken, MODELS) as server:
        assert await ask(server, clock, asynchronous=asynchronous) == []
    assert (len(server.requests), server.connections) == (2, 2)
    assert clock.pauses == [0.125]


@both
async def test_nobody_listens(clock: Clock, asynchronous: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = ScriptedServer(f"http://127.0.0.1:{free.getsockname()[1]}")
    with pytest.raises(UnavailableError) as unreachable:
        await ask(nobody, clock, asynchronous=asynchronous)
    assert (unreachable.value.code, unreachable.value.status) == ("unreachable", 0)
    assert isinstance(unreachable.value.__cause__, httpx.ConnectError)
    assert len(clock.pauses) == 6


@both
@pytest.mark.parametrize("step", ["hang", "drip"])
async def test_the_deadline_holds(step: Step, asynchronous: bool) -> None:
    started = time.monotonic()
    with scripted(step) as server:
        with pytest.raises(DeadlineExceededError, match=r"no answer within 0\.3 seconds"):
            await ask(server, asynchronous=asynchronous, within=0.3)
        assert 0.3 <= time.monotonic() - started < 20
    assert len(server.requests) == 1


async def test_the_service_is_told_the_time_that_is_left(clock: Clock) -> None:
    with scripted(BUSY, MODELS) as server:
        await ask(server, clock, within=20)
    assert [head.lower().partition("x-request-timeout: ")[2].split()[0] for head in server.requests] == [
        "20.000",
        "12.875",
    ]
    with scripted(MODELS) as server:
        await ask(server, clock, within=1e6)
    assert "x-request-timeout: 3600.000" in server.requests[0].lower()


async def test_a_call_may_have_a_timeout_of_its_own() -> None:
    with scripted("hang") as server:
        with Client(server.url) as each, pytest.raises(DeadlineExceededError):
            each.segment(b"picture", timeout=0.2)
        async with AsyncClient(server.url) as client:
            with pytest.raises(DeadlineExceededError):
                await client.segment(b"picture", timeout=0.2)
    assert [head.splitlines()[0].partition("?")[2] for head in server.requests] == ["output=json HTTP/1.1"] * 2


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"models": 3}', b"\xff\xfe", b'{"size": [2, 2], "classes": [{}]}']
)
async def test_something_else_answers(clock: Clock, body: bytes) -> None:
    with scripted(answer(200, body)) as server, Client(server.url, sleep=clock.sleep) as client:
        for call in (
            client.models,
            client.model,
            lambda: client.segment(b"x"),
            lambda: client.segment_many([b"x"]),
            lambda: client.cutout(b"x"),
            lambda: client.probabilities(b"x"),
        ):
            with pytest.raises(SegserveError) as unexpected:
                call()
            assert (unexpected.value.code, unexpected.value.status) == ("unexpected_answer", 200)
    assert clock.pauses == []


def test_masks_that_do_not_fit() -> None:
    model = {"name": "a", "version": 1, "sha256": "", "engine": "", "precision": ""}
    entry = {"id": 0, "name": "a", "pixels": 1, "share": 1, "mean_confidence": None, "bbox": None}
    body = {"size": [2, 2], "model": model, "undecided": {"pixels": 0}, "classes": [entry | {"rle": {"counts": "05"}}]}
    with (
        scripted(answer(200, json.dumps(body).encode())) as server,
        Client(server.url) as client,
        pytest.raises(SegserveError, match="run lengths of 5 pixels, not 4"),
    ):
        client.segment(b"x")


async def test_what_is_sent(clock: Clock) -> None:
    with (
        scripted(BUSY, answer(400)) as server,
        Client(f"{server.url}/vision/", api_key="secret", sleep=clock.sleep) as client,
        pytest.raises(RefusedError),
    ):
        client.segment(b"a picture", classes=("a", "b"), threshold=0.5, flip=True, tile=None, model="pets:2")
    head = server.requests[1].lower()
    assert head.startswith("post /vision/segment?")
    query = dict(httpx.QueryParams(server.requests[1].split(" ")[1].partition("?")[2]))
    assert query == {"classes": "a,b", "threshold": "0.5", "flip": "true", "model": "pets:2", "output": "json"}
    assert "authorization: bearer secret\r\n" in head
    assert server.bodies == [b"a picture", b"a picture"]
    assert server.connections == 1


async def test_a_key_that_is_none_is_told_and_not_sent_again(clock: Clock) -> None:
    with (
        scripted(MODELS) as server,
        Client(server.url, api_key="two\nlines", sleep=clock.sleep) as client,
        pytest.raises(SegserveError, match="unreachable"),
    ):
        client.models()
    assert (server.requests, clock.pauses) == ([], [])
