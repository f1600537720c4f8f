"""Bounded concurrency."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def side_by_side(works: Iterable[Coroutine[Any, Any, T]], at_a_time: int) -> AsyncGenerator[T]:
    """What comes of each, as they are ready; closed before its end, it cancels what it has begun.

    Args:
        works: taken one by one, as there is room for another.
        at_a_time: so many run at once.

    Raises:
        Exception: the first that a work raises, after the results of those that were ready with it.
    """
    waiting = iter(works)
    running: set[asyncio.Task[T]] = set()
    try:
        while True:
            while len(running) < at_a_time and (work := next(waiting, None)) is not None:
                running.add(asyncio.create_task(work))
            if not running:
                return
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            failures = [task for task in done if task.exception() is not None]
            for task in done:
                if task not in failures:
                    yield task.result()
            for task in failures:
                task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
