"""Brings pictures to the engine."""

import asyncio
import contextvars
import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from app.core.errors import InferenceError
from app.inference.engine import Engine, Images, Probabilities, infer_picture
from app.inference.stages import Report, Stage, unreported
from app.inference.turns import Turns

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inference:
    """What the engine gave for one picture.

    Args:
        probabilities: (h, w, C) float32.
        queue_ms: time from submission until a stream took it, in the queue or in the engine.
        inference_ms: time in the engine.
    """

    probabilities: Probabilities
    queue_ms: float
    inference_ms: float


@dataclass(frozen=True, eq=False)
class _Waiting:
    """A picture that was accepted and has no result yet; `context` is that of its request, for the log."""

    image: Images
    result: "asyncio.Future[Inference]"
    submitted: float
    context: contextvars.Context
    report: Report


_Results = list[Probabilities | InferenceError]


@dataclass(frozen=True)
class _Computed:
    """What the engine made of a batch, from when to when."""

    results: _Results
    begun: float
    ended: float


class Scheduler:
    """Gives an engine what waits, first come first served, as many calls at a time as it has room for.

    A call takes one picture, or as many as wait where the engine says that batches pay. All that is kept here belongs
    to the event loop that made it; only the engine works in other threads.

    Args:
        engine: the engine; who made it closes it, after the scheduler.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._batch = engine.batch_sizes[-1]
        self._loop = asyncio.get_running_loop()
        self._turns = Turns(engine.streams)
        self._threads = ThreadPoolExecutor(engine.calls, thread_name_prefix="engine")
        self._free = engine.calls
        self._waiting: deque[_Waiting] = deque()
        self._working = 0
        self._last_progress = time.monotonic()
        self._closed = False
        self._nothing_left = asyncio.Event()
        self._nothing_left.set()

    async def run(self, image: Images, report: Report = unreported) -> Inference:
        """Infers (h, w, 3); a cancelled call that has not begun is forgotten.

        Args:
            image: uint8, RGB.
            report: told of its waiting and of its inference, also of one that nobody waits for any more.

        Raises:
            InferenceError: the engine failed on this picture; others are not touched.
        """
        if self._closed:
            raise RuntimeError("the scheduler is closed")
        if not self.in_flight:
            self._last_progress = time.monotonic()
        context = contextvars.copy_context()
        picture = _Waiting(image, self._loop.create_future(), time.perf_counter(), context, report)
        self._waiting.append(picture)
        self._nothing_left.clear()
        self._start()
        try:
            return await picture.result
        except asyncio.CancelledError as error:
            if picture in self._waiting:
                self._waiting.remove(picture)
                self._note_if_empty()
                report(Stage("queue", picture.submitted, time.perf_counter(), error))
            raise

    def infer_all(self, images: Iterable[Images]) -> Iterator[Inference]:
        """Infers (h, w, 3) each, in order; blocks, and is called from any thread but the event loop's.

        No more of them wait at a time than the streams can take, so that other requests have their turns between them.

        Raises:
            InferenceError: the engine failed on one of them.
        """
        begun: deque[Future[Inference]] = deque()
        try:
            for image in images:
                if len(begun) == self.width:
                    yield begun.popleft().result()
                begun.append(asyncio.run_coroutine_threadsafe(self.run(image), self._loop))
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()

    @property
    def width(self) -> int:
        """Pictures that the engine computes at a time: as many of one request at most should wait."""
        return self._engine.streams * self._batch

    @property
    def waiting(self) -> int:
        """Pictures that wait for the engine."""
        return len(self._waiting)

    @property
    def working(self) -> int:
        """Pictures in the engine."""
        return self._working

    @property
    def in_flight(self) -> int:
        """Pictures waiting or in the engine."""
        return len(self._waiting) + self._working

    def stuck_seconds(self) -> float:
        """How long pictures have been in flight without one being finished; 0 when idle."""
        return time.monotonic() - self._last_progress if self.in_flight else 0.0

    async def close(self) -> None:
        """Finishes what was accepted, then ends the threads. Calls of `run` after this raise RuntimeError."""
        self._closed = True
        await self._nothing_left.wait()
        self._threads.shutdown(wait=False)

    def _start(self) -> None:
        """Makes the calls that there is room for."""
        while self._free and self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]
            self._free -= 1
            self._working += len(batch)
            future = self._threads.submit(self._infer, batch)
            future.add_done_callback(partial(self._hand_over, batch))

    def _infer(self, batch: Sequence[_Waiting]) -> _Computed:
        """Works on a batch; in a thread of the engine's."""
        with self._turns.taken() as turn:
            results = _infer_together(self._engine, batch) if len(batch) > 1 else None
            if results is None:  # one by one: a bad picture fails alone
                results = [picture.context.run(_infer_alone, self._engine, picture.image) for picture in batch]
        return _Computed(results, turn.begun, time.perf_counter())

    def _hand_over(self, batch: Sequence[_Waiting], future: "Future[_Computed]") -> None:
        """From the engine's thread to the event loop's."""
        with suppress(RuntimeError):  # the loop has ended: nobody waits
            self._loop.call_soon_threadsafe(self._finish, batch, future)

    def _finish(self, batch: Sequence[_Waiting], future: "Future[_Computed]") -> None:
        """Hands results over; in the event loop."""
        self._free += 1
        self._working -= len(batch)
        self._last_progress = time.monotonic()
        computed = future.result()
        for picture, result in zip(batch, computed.results, strict=True):
            if picture.result.done():  # its request is gone
                continue
            if isinstance(result, InferenceError):
                picture.result.set_exception(result)
            else:
                times = (computed.begun - picture.submitted) * 1e3, (computed.ended - computed.begun) * 1e3
                picture.result.set_result(Inference(result, *times))
        self._start()
        self._note_if_empty()
        for picture, result in zip(batch, computed.results, strict=True):
            error = result if isinstance(result, InferenceError) else None
            picture.report(Stage("queue", picture.submitted, computed.begun))
            picture.report(Stage("inference", computed.begun, computed.ended, error))

    def _note_if_empty(self) -> None:
        if not self.in_flight:
            self._nothing_left.set()


def _infer_together(engine: Engine, batch: Sequence[_Waiting]) -> _Results | None:
    """The results of one call for all; None if it fails for any of them."""
    try:
        images: Any = np.stack([picture.image for picture in batch])
        probabilities = engine.infer(images)
    except Exception:
        logger.warning("the %s engine failed on a batch; its pictures are tried one by one", engine.name, exc_info=True)
        return None
    return list(probabilities) if np.isfinite(probabilities).all() else None


def _infer_alone(engine: Engine, image: Images) -> Probabilities | InferenceError:
    try:
        return infer_picture(engine, image)
    except InferenceError as error:
        return error
