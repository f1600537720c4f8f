import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from app.api.waiting import ended, timeout_of, unless_late, while_wanted
from app.core.errors import DeadlineExceededError, DecodeTimeoutError, InvalidParameterError
from app.inference.workers import Tell

pytestmark = pytest.mark.anyio


def request(headers: dict[str, str] | None = None, hung_up: asyncio.Event | None = None) -> Request:
    """A request whose client hangs up at an event, or never."""
    raw = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]

    async def receive() -> Message:
        await (hung_up or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    return Request({"type": "http", "headers": raw}, receive)


@pytest.mark.parametrize(
    ("header", "parameter", "expected"),
    [(None, None, None), (None, 2.0, 2.0), ("1.5", None, 1.5), ("1.5", 2.0, 1.5), ("9", 2.0, 2.0)],
)
def test_the_shorter_of_parameter_and_header(
    header: str | None, parameter: float | None, expected: float | None
) -> None:
    assert timeout_of(request({} if header is None else {"X-Request-Timeout": header}), parameter) == expected


@pytest.mark.parametrize("header", ["", "a", "0", "-1", "nan", "inf", "3601"])
def test_a_header_that_is_no_timeout(header: str) -> None:
    with pytest.raises(InvalidParameterError, match="X-Request-Timeout: seconds, above 0 and up to 3600"):
        timeout_of(request({"X-Request-Timeout": header}), None)


class Work:
    """Work that goes on until it is told to end."""

    def __init__(self) -> None:
        self.begun, self.end, self.cancelled = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.body_read = asyncio.Event()

    def fails(self, tell: Tell) -> Coroutine[Any, Any, str]:
        return self.go(tell, lambda: str(1 // 0))

    def tells(self, tell: Tell) -> Coroutine[Any, Any, str]:
        tell(DecodeTimeoutError("too long"))
        tell(DecodeTimeoutError("again"))
        return self.go(tell)

    async def go(self, tell: Tell, result: Callable[[], str] = lambda: "done") -> str:
        self.begun.set()
        try:
            await self.end.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return result()


async def test_the_result() -> None:
    work = Work()
    work.end.set()
    assert await while_wanted(work.go, request(), work.body_read, None) == "done"


async def test_an_error() -> None:
    work = Work()
    work.end.set()
    with pytest.raises(ZeroDivisionError):
        await while_wanted(work.fails, request(), work.body_read, 30)


async def test_a_deadline() -> None:
    work = Work()
    with pytest.raises(DeadlineExceededError, match=r"no answer within the 0\.01 seconds"):
        await while_wanted(work.go, request(), work.body_read, 0.01)
    await work.cancelled.wait()


@pytest.mark.parametrize("body_read", [True, False])
async def test_a_client_that_hangs_up(body_read: bool) -> None:
    work, hung_up = Work(), asyncio.Event()
    hung_up.set()
    if body_read:
        work.body_read.set()
        with pytest.raises(ClientDisconnect):
            await while_wanted(work.go, request(hung_up=hung_up), work.body_read, None)
        await work.cancelled.wait()
    else:  # whoever reads the body notices by himself
        task = asyncio.create_task(while_wanted(work.go, request(hung_up=hung_up), work.body_read, None))
        await work.begun.wait()
        work.end.set()
        assert await task == "done"


async def test_a_failure_that_nobody_waits_for_is_not_complained_about(caplog: pytest.LogCaptureFixture) -> None:
    async def fails_late(tell: Tell) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("late")

    with pytest.raises(DeadlineExceededError):
        await while_wanted(fails_late, request(), asyncio.Event(), 0.01)
    for _ in range(3):
        await asyncio.sleep(0)
    assert not caplog.records


async def test_what_the_work_tells_is_raised_at_once() -> None:
    work, given_up = Work(), set[asyncio.Task[Any]]()
    with pytest.raises(DecodeTimeoutError, match="too long"):
        await while_wanted(work.tells, request(), work.body_read, None)
    await work.cancelled.wait()
    with pytest.raises(DecodeTimeoutError):
        await unless_late(work.tells, None, given_up)
    assert len(given_up) == 1
    await ended(given_up)
    assert not given_up


async def test_what_is_told_too_late_is_not_complained_about(caplog: pytest.LogCaptureFixture) -> None:
    async def tells_late(tell: Tell) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            tell(DecodeTimeoutError("too long"))

    given_up = set[asyncio.Task[Any]]()
    with pytest.raises(TimeoutError):
        await unless_late(tells_late, 0.01, given_up)
    await ended(given_up)
    await ended(given_up)
    assert not caplog.records
