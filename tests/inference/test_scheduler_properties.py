"""Whatever comes in whatever order: every accepted picture is answered exactly once, with its own answer."""

import asyncio
import threading
from collections import Counter
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import InferenceError
from app.inference.engine import Images, Probabilities
from app.inference.scheduler import Scheduler
from tests.inference.scripted import ScriptedEngine, shade

PATIENCE = 30  # seconds until a test that hangs fails
BAD, NOT_FINITE = 200, 201


@dataclass(frozen=True)
class Call:
    """One picture: when it comes, what the engine makes of it, and when its request gives up."""

    red: int
    after: int
    cancelled_after: int | None


CALLS = st.lists(
    st.builds(
        Call,
        red=st.integers(0, 199) | st.sampled_from([BAD, NOT_FINITE]),
        after=st.integers(0, 6),
        cancelled_after=st.none() | st.integers(0, 8),
    ),
    max_size=12,
)


class BatchEngine(ScriptedEngine):
    """Knows its pictures by their red; fails on bad ones, together with all that come with them."""

    def __init__(self, streams: int, calls: int, batch: int) -> None:
        super().__init__(self._answers, streams, calls)
        self.batch_sizes = tuple(range(1, batch + 1))
        self.seen: list[int] = []
        self.most_at_once = 0
        self._inside = 0
        self._lock = threading.Lock()

    def _answers(self, images: Images) -> Probabilities:
        with self._lock:
            self._inside += 1
            self.most_at_once = max(self.most_at_once, self._inside)
            self.seen.append(len(images))
        try:
            reds = images[:, 0, 0, 0].astype(np.float32)
            if BAD in reds:
                raise ValueError("bad picture")
            reds[reds == NOT_FINITE] = np.nan
            return np.broadcast_to(reds[:, None, None, None], (*images.shape[:3], 2)).copy()
        finally:
            with self._lock:
                self._inside -= 1


async def answer(scheduler: Scheduler, call: Call) -> object:
    """What came of a call: its red again, or an error."""
    for _ in range(call.after):
        await asyncio.sleep(0)
    task = asyncio.create_task(scheduler.run(shade(call.red)))
    if call.cancelled_after is not None:
        for _ in range(call.cancelled_after):
            await asyncio.sleep(0)
        task.cancel()
    try:
        return int((await task).probabilities[0, 0, 0])
    except (InferenceError, asyncio.CancelledError) as error:
        return type(error)


def possible(call: Call) -> set[object]:
    result: object = InferenceError if call.red in (BAD, NOT_FINITE) else call.red
    return {result} if call.cancelled_after is None else {result, asyncio.CancelledError}


@settings(max_examples=150, deadline=None)
@given(
    calls=CALLS, streams=st.integers(1, 3), ahead=st.integers(0, 2), batch=st.integers(1, 4), close_early=st.booleans()
)
def test_every_picture_is_answered_once(
    calls: list[Call], streams: int, ahead: int, batch: int, close_early: bool
) -> None:
    engine = BatchEngine(streams, streams + ahead, batch)

    async def go() -> list[object]:
        scheduler = Scheduler(engine)
        tasks = [asyncio.create_task(answer(scheduler, call)) for call in calls]
        if not close_early:
            await asyncio.gather(*tasks)
        else:
            for _ in range(30):  # all are accepted, not all are answered
                await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE):
            await scheduler.close()
            answers: list[object] = await asyncio.gather(*tasks)
        assert scheduler.in_flight == 0
        assert scheduler.stuck_seconds() == 0.0
        return answers

    answers = asyncio.run(go())
    for call, given_answer in zip(calls, answers, strict=True):
        assert given_answer in possible(call)
    assert engine.most_at_once <= streams + ahead
    assert max(engine.seen, default=0) <= batch
    answered = Counter(type(given_answer) is not type for given_answer in answers)[True]
    assert sum(engine.seen) >= answered  # a batch with a bad picture is tried again, one by one
    if not {BAD, NOT_FINITE} & {call.red for call in calls}:
        assert sum(engine.seen) <= len(calls)
