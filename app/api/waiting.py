"""How long an answer is worth making: until the client's deadline, while the client is there, and while it can come."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from app.core.errors import DeadlineExceededError, InvalidParameterError, SegserveError
from app.inference.workers import Tell

T = TypeVar("T")
Work = Callable[[Tell], Coroutine[Any, Any, T]]
"""Makes an answer; it may tell that there will be none before it ends itself."""

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


def deadline_of(seconds: float | None) -> float | None:
    """When so many seconds are over, as time of the event loop; None: never."""
    return None if seconds is None else asyncio.get_running_loop().time() + seconds


async def while_wanted(work: Work[T], request: Request, body_read: asyncio.Event, seconds: float | None) -> T:
    """Does the work, and gives it up when its answer would come to nobody.

    Args:
        work: whatever makes the answer.
        request: whose client is watched.
        body_read: set by the work once it does not read from the request any more.
        seconds: how long it may take; None: as long as it takes.

    Raises:
        SegserveError: what the work raises, or tells.
        DeadlineExceededError: the answer was not there in time.
        ClientDisconnect: the client hung up.
    """
    gone = asyncio.create_task(_hung_up(request, body_read))
    try:
        return await unless_late(work, seconds, gone=gone)
    except TimeoutError:
        message = f"there was no answer within the {seconds:g} seconds that the request gives"
        raise DeadlineExceededError(message) from None
    finally:
        gone.cancel()


async def unless_late(
    work: Work[T],
    seconds: float | None,
    given_up: "set[asyncio.Task[Any]]" = _given_up,
    gone: "asyncio.Task[None] | None" = None,
) -> T:
    """Does the work, and gives it up when it is too late or tells that it comes to nothing.

    Work that is given up is cancelled, and not waited for: a thread that decodes a picture cannot be interrupted.

    Args:
        work: whatever is to be done.
        seconds: how long it may take; None: as long as it takes.
        given_up: holds the task that does it from when it is given up until it ends.
        gone: ends when nobody waits any more.

    Raises:
        SegserveError: what the work raises, or tells.
        TimeoutError: it was not done in time.
        ClientDisconnect: nobody waits any more.
    """
    told: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def tell(error: SegserveError) -> None:
        if not told.done():
            told.set_exception(error)

    task = asyncio.create_task(work(tell))
    task.add_done_callback(given_up.discard)
    task.add_done_callback(_asked)
    awaited: set[asyncio.Future[Any]] = {task, told} if gone is None else {task, told, gone}
    try:
        await asyncio.wait(awaited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        if told.done():
            told.result()
        if gone is not None and gone.done():
            raise ClientDisconnect
        raise TimeoutError
    finally:
        told.add_done_callback(_asked)
        told.cancel()
        if not task.done():
            given_up.add(task)
            task.cancel()


async def ended(tasks: "set[asyncio.Task[Any]]") -> None:
    """Returns when all of them have ended."""
    if tasks:
        await asyncio.wait(set(tasks))


async def _hung_up(request: Request, body_read: asyncio.Event) -> None:
    await body_read.wait()
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _asked(future: "asyncio.Future[Any]") -> None:
    if not future.cancelled():
        future.exception()  # else asyncio complains that nobody has asked
