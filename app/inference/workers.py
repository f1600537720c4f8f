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
        """Does the work in a thread.

        A cancelled call that has not begun is never begun; one that has holds on until its thread is free again, so
        that whoever counts what is being worked on counts right.
        """
        context = contextvars.copy_context()  # the log names the request
        future = self._pool.submit(context.run, work)
        done = asyncio.wrap_future(future)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            if not future.cancel():
                await asyncio.wait({done})
            raise

    def close(self) -> None:
        """Finishes what was accepted, then ends the threads; blocks."""
        self._pool.shutdown(wait=True)
