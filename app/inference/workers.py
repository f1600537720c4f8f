"""Threads for work on pixels: decoding, resampling, encoding."""

import asyncio
import contextvars
import math
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from app.core.errors import DecodersStalledError, DecodeTimeoutError, SegserveError
from app.inference.cpus import available_cpus

T = TypeVar("T")
Tell = Callable[[SegserveError], None]
"""Takes, in the event loop, the error that work is going to end with: who waits for it need not wait for its end."""


@dataclass(eq=False)
class _Call:
    """Work that was accepted.

    Args:
        seconds: how long it may take.
        begun: when its thread began; None: it waits for one.
    """

    seconds: float
    begun: float | None = None

    @property
    def left(self) -> float:
        """Seconds that are left to it: all of them before it has begun."""
        return self.seconds if self.begun is None else self.begun + self.seconds - time.monotonic()


class PixelWorkers:
    """A pool of its own, as wide as there are CPUs, so that pixel work and other threads never wait for each other.

    A thread cannot be interrupted. One that takes too long to decode a picture counts as busy until it returns; when
    all do, what waits for one is refused, as nobody knows whether there will ever be a free one.

    Args:
        threads: how many; 0: `available_cpus()`.
        decode_seconds: how long the decoding of a picture may take once its thread has begun.
    """

    def __init__(self, threads: int = 0, decode_seconds: float = math.inf) -> None:
        self.threads = threads or available_cpus()
        self._decode_seconds = decode_seconds
        self._begun: set[_Call] = set()  # changed by the threads, one step at a time
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="pixels")

    def require_some(self) -> None:
        """Passes unless no thread is left.

        Raises:
            DecodersStalledError: each has been decoding one picture for longer than it may.
        """
        if sum(call.left <= 0 for call in list(self._begun)) >= self.threads:
            seconds = f"{self._decode_seconds:g} seconds"
            raise DecodersStalledError(f"all {self.threads} threads have been decoding a picture for over {seconds}")

    async def run(self, work: Callable[[], T], tell: Tell | None = None) -> T:
        """Does the work in a thread.

        A cancelled call that has not begun is never begun; one that has holds on until its thread is free again, so
        that whoever counts what is being worked on counts right. So does one whose time is over.

        Args:
            work: whatever is to be done.
            tell: for decoding: told as soon as it has taken too long; None: it takes as long as it takes.

        Raises:
            DecodeTimeoutError: it took too long.
            DecodersStalledError: no thread is left.
        """
        self.require_some()
        call = _Call(math.inf if tell is None else self._decode_seconds)
        context = contextvars.copy_context()  # the log names the request
        future = self._pool.submit(context.run, self._do, call, work)
        done = asyncio.wrap_future(future)
        try:
            while not done.done():
                await asyncio.wait({done}, timeout=self._decode_seconds if call.begun is None else call.left)
                if done.done():
                    break
                if call.begun is None:
                    self._refuse_if_stalled(future)
                elif tell is not None and call.left <= 0:
                    late = DecodeTimeoutError(
                        f"the picture takes longer to decode than the {call.seconds:g} seconds allowed"
                    )
                    tell(late)
                    await asyncio.wait({done})
                    raise late
            return done.result()
        except asyncio.CancelledError:
            if not future.cancel():
                await asyncio.wait({done})
            raise
        finally:
            if done.done() and not done.cancelled():
                done.exception()  # else asyncio complains that nobody has asked

    def _do(self, call: _Call, work: Callable[[], T]) -> T:
        call.begun = time.monotonic()
        self._begun.add(call)
        try:
            return work()
        finally:
            self._begun.discard(call)

    def _refuse_if_stalled(self, future: "Future[Any]") -> None:
        try:
            self.require_some()
        except DecodersStalledError:
            if future.cancel():
                raise

    def close(self) -> None:
        """Finishes what was accepted, then ends the threads; blocks."""
        self._pool.shutdown(wait=True)
