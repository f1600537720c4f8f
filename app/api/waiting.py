"""How long an answer is worth making: until the client's deadline, and while the client is there."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from app.core.errors import DeadlineExceededError, InvalidParameterError

T = TypeVar("T")

TIMEOUT_HEADER = "X-Request-Timeout"
LONGEST_TIMEOUT = 3600.0

_given_up: set["asyncio.Task[Any]"] = set()
"""Tasks that nobody waits for, until the thread that they hold is free; asyncio itself forgets them."""


def timeout_of(request: Request, parameter: float | None) -> float | None:
    """Seconds that a client gives us: its parameter `timeout`, or its header; the shorter of the two, or None.

    Raises:
        InvalidParameterError: the header is not such a number.
    """
    text = request.headers.get(TIMEOUT_HEADER)
    if text is None:
        return parameter
    try:
        header = float(text)
    except ValueError:
        header = 0.0
    if not 0 < header <= LONGEST_TIMEOUT:
        raise InvalidParameterError(TIMEOUT_HEADER, f"seconds, above 0 and up to {LONGEST_TIMEOUT:g}")
    return header if parameter is None else min(header, parameter)


async def while_wanted(
    work: Coroutine[Any, Any, T], request: Request, body_read: asyncio.Event, seconds: float | None
) -> T:
    """Does the work, and gives it up when its answer would come to nobody.

    Work that is given up is cancelled, and not waited for: a thread that decodes a picture cannot be interrupted.

    Args:
        work: whatever makes the answer.
        request: whose client is watched.
        body_read: set by the work once it does not read from the request any more.
        seconds: how long it may take; None: as long as it takes.

    Raises:
        DeadlineExceededError: the answer was not there in time.
        ClientDisconnect: the client hung up.
    """
    task = asyncio.create_task(work)
    task.add_done_callback(_forget)
    gone = asyncio.create_task(_hung_up(request, body_read))
    try:
        await asyncio.wait({task, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        if gone.done():
            raise ClientDisconnect
        raise DeadlineExceededError(f"there was no answer within the {seconds:g} seconds that the request gives")
    finally:
        gone.cancel()
        if not task.done():
            _given_up.add(task)
            task.cancel()


async def _hung_up(request: Request, body_read: asyncio.Event) -> None:
    await body_read.wait()
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _forget(task: "asyncio.Task[Any]") -> None:
    _given_up.discard(task)
    if not task.cancelled():
        task.exception()  # else asyncio complains that nobody has asked
