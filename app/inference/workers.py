"""Threads for work on pixels: decoding, resampling, encoding."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from app.inference.cpus import available_cpus

T = TypeVar("T")


class PixelWorkers:
    """A pool of its own, as wide as there are CPUs, so that pixel work and other threads never wait for each other.

    Args:
        threads: how many; 0: `available_cpus()`.
    """

    def __init__(self, threads: int = 0) -> None:
        self.threads = threads or available_cpus()
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="pixels")

    async def run(self, work: Callable[[], T]) -> T:
        """Does the work in a thread; a cancelled call that has not begun is never begun."""
        context = contextvars.copy_context()  # the log names the request
        return await asyncio.wrap_future(self._pool.submit(context.run, work))

    def close(self) -> None:
        """Finishes what was accepted, then ends the threads; blocks."""
        self._pool.shutdown(wait=True)
