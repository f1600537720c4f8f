"""Brings pictures to the engine."""

import asyncio
import contextvars
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from app.inference.engine import Engine, Images, Probabilities, infer_picture


@dataclass(frozen=True)
class Inference:
    """What the engine gave for one picture.

    Args:
        probabilities: (h, w, C) float32.
        queue_ms: time from submission until a stream took it.
        inference_ms: time in the engine.
    """

    probabilities: Probabilities
    queue_ms: float
    inference_ms: float


class Scheduler:
    """Runs an engine's streams in threads of its own, one picture a stream, first come first served.

    Admission, deadlines and batches belong here too: callers know nothing but `run`.

    Args:
        engine: the engine; who made it closes it, after the scheduler.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._streams = ThreadPoolExecutor(engine.streams, thread_name_prefix="stream")
        self._lock = threading.Lock()  # of the two values below
        self._in_flight = 0
        self._last_progress = time.monotonic()

    async def run(self, image: Images) -> Inference:
        """Infers (h, w, 3); a cancelled call that has not begun is never begun.

        Raises:
            InferenceError: the engine failed on this picture; others are not touched.
        """
        return await asyncio.wrap_future(self._submit(image))

    def infer_all(self, images: Iterable[Images]) -> Iterator[Inference]:
        """Infers (h, w, 3) each, in order, as many side by side as there are streams; blocks.

        No more than that wait at a time, so that others take their turns between them.

        Raises:
            InferenceError: the engine failed on one of them.
        """
        begun: deque[Future[Inference]] = deque()
        for image in images:
            if len(begun) == self._engine.streams:
                yield begun.popleft().result()
            begun.append(self._submit(image))
        while begun:
            yield begun.popleft().result()

    def _submit(self, image: Images) -> Future[Inference]:
        context = contextvars.copy_context()  # the log names the request
        future = self._streams.submit(context.run, self._infer, image, time.perf_counter())
        with self._lock:
            if not self._in_flight:
                self._last_progress = time.monotonic()
            self._in_flight += 1
        future.add_done_callback(self._finished)
        return future

    def _infer(self, image: Images, submitted: float) -> Inference:
        begun = time.perf_counter()
        probabilities = infer_picture(self._engine, image)
        return Inference(probabilities, (begun - submitted) * 1e3, (time.perf_counter() - begun) * 1e3)

    def _finished(self, _: Future[Inference]) -> None:
        with self._lock:
            self._in_flight -= 1
            self._last_progress = time.monotonic()

    @property
    def in_flight(self) -> int:
        """Pictures waiting or in the engine."""
        with self._lock:
            return self._in_flight

    def stuck_seconds(self) -> float:
        """How long pictures have been in flight without one being finished; 0 when idle."""
        with self._lock:
            return time.monotonic() - self._last_progress if self._in_flight else 0.0

    def close(self) -> None:
        """Finishes what was accepted, then ends the threads; blocks. Later calls of `run` raise RuntimeError."""
        self._streams.shutdown(wait=True)
