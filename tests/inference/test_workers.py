import asyncio
import gc
import threading
from functools import partial

import pytest

from app.core.errors import DecodersStalledError, DecodeTimeoutError, SegserveError
from app.core.telemetry import request_id
from app.inference.cpus import available_cpus
from app.inference.workers import PixelWorkers

pytestmark = pytest.mark.anyio
PATIENCE = 30  # seconds until a test that hangs fails
SHORT = 0.02  # seconds that a decoding may take


class Slow:
    """Decodings that go on until they are let go."""

    def __init__(self) -> None:
        self.entered, self.let_go = threading.Semaphore(0), threading.Event()
        self.told: asyncio.Queue[SegserveError] = asyncio.Queue()

    def decode(self) -> bool:
        self.entered.release()
        return self.let_go.wait(PATIENCE)

    def begin(self, workers: PixelWorkers) -> "asyncio.Task[bool]":
        return asyncio.create_task(workers.run(self.decode, self.told.put_nowait))


async def test_work_is_done_in_a_thread_of_its_own() -> None:
    workers = PixelWorkers(1)
    name = await workers.run(lambda: threading.current_thread().name)
    workers.close()
    assert name.startswith("pixels")


async def test_errors_come_back() -> None:
    workers = PixelWorkers(1)
    with pytest.raises(ZeroDivisionError):
        await workers.run(lambda: 1 // 0)
    workers.close()


async def test_no_more_threads_than_asked_for() -> None:
    workers = PixelWorkers(2)
    entered, let_go = threading.Semaphore(0), threading.Event()
    begun: list[int] = []

    def work(number: int) -> bool:
        begun.append(number)
        entered.release()
        return let_go.wait(PATIENCE)

    tasks = [asyncio.create_task(workers.run(partial(work, number))) for number in (1, 2, 3)]
    for _ in range(2):
        assert await asyncio.to_thread(entered.acquire, timeout=PATIENCE)
    assert sorted(begun) == [1, 2]
    let_go.set()
    assert await asyncio.gather(*tasks) == [True, True, True]
    workers.close()


async def test_as_wide_as_there_are_cpus() -> None:
    workers = PixelWorkers()
    workers.close()
    assert workers.threads == available_cpus()


async def test_work_knows_its_request() -> None:
    workers = PixelWorkers(1)
    token = request_id.set("abc")
    seen = await workers.run(request_id.get)
    request_id.reset(token)
    workers.close()
    assert seen == "abc"


async def test_cancelled_work_that_waits_is_never_begun() -> None:
    workers = PixelWorkers(1)
    let_go = threading.Event()
    done: list[str] = []
    first = asyncio.create_task(workers.run(lambda: let_go.wait(PATIENCE)))
    second = asyncio.create_task(workers.run(lambda: done.append("second")))
    await asyncio.sleep(0)  # both are queued
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    let_go.set()
    assert await first
    workers.close()
    assert done == []


async def test_closing_finishes_what_was_accepted() -> None:
    workers = PixelWorkers(1)
    results = asyncio.gather(*(workers.run(partial(abs, -number)) for number in range(5)))
    await asyncio.sleep(0)  # all are queued
    await asyncio.to_thread(workers.close)
    assert await results == [0, 1, 2, 3, 4]


async def test_a_cancelled_call_holds_on_until_its_thread_is_free() -> None:
    workers = PixelWorkers(1)
    entered, let_go = threading.Event(), threading.Event()

    def work() -> bool:
        entered.set()
        return let_go.wait(PATIENCE)

    begun = asyncio.create_task(workers.run(work))
    waiting = asyncio.create_task(workers.run(lambda: 1 // 0))
    assert await asyncio.to_thread(entered.wait, PATIENCE)
    for task in (begun, waiting):
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting  # never begun
    assert not begun.done()
    let_go.set()
    with pytest.raises(asyncio.CancelledError):
        await begun
    workers.close()


async def test_a_decoding_over_its_time_is_told_at_once_and_keeps_its_thread() -> None:
    workers, slow = PixelWorkers(1, SHORT), Slow()
    call = slow.begin(workers)
    late = await asyncio.wait_for(slow.told.get(), PATIENCE)
    assert isinstance(late, DecodeTimeoutError)
    assert "longer to decode than the 0.02 seconds allowed" in late.detail
    assert not call.done()
    with pytest.raises(DecodersStalledError, match=r"all 1 threads .* over 0\.02 seconds"):
        workers.require_some()
    slow.let_go.set()
    with pytest.raises(DecodeTimeoutError):
        await call
    workers.require_some()
    assert await workers.run(lambda: "there is a thread again") == "there is a thread again"
    workers.close()


async def test_the_time_counts_from_when_the_thread_begins() -> None:
    workers, slow = PixelWorkers(1, 0.2), Slow()
    first = asyncio.create_task(workers.run(slow.decode))
    assert await asyncio.to_thread(slow.entered.acquire, timeout=PATIENCE)
    waiting = asyncio.create_task(workers.run(lambda: "in time", slow.told.put_nowait))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiting), 0.5)  # longer than it may decode
    slow.let_go.set()
    assert (await first, await waiting) == (True, "in time")
    assert slow.told.empty()
    workers.close()


async def test_other_work_takes_as_long_as_it_takes() -> None:
    workers, slow = PixelWorkers(1, SHORT), Slow()
    call = asyncio.create_task(workers.run(slow.decode))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(call), 5 * SHORT)
    workers.require_some()
    slow.let_go.set()
    assert await call
    workers.close()


async def test_one_thread_that_is_stuck_leaves_the_others() -> None:
    workers, slow = PixelWorkers(2, SHORT), Slow()
    stuck = slow.begin(workers)
    await asyncio.wait_for(slow.told.get(), PATIENCE)
    workers.require_some()
    assert await workers.run(lambda: "done") == "done"
    slow.let_go.set()
    with pytest.raises(DecodeTimeoutError):
        await stuck
    workers.close()


@pytest.mark.parametrize("timed", [True, False])
async def test_nobody_waits_for_threads_that_are_all_stuck(timed: bool) -> None:
    workers, slow = PixelWorkers(2, SHORT), Slow()
    stuck = [slow.begin(workers) for _ in range(2)]
    begun: list[str] = []
    came_before = asyncio.create_task(
        workers.run(lambda: begun.append("before"), slow.told.put_nowait if timed else None)
    )
    with pytest.raises(DecodersStalledError):
        await asyncio.wait_for(came_before, PATIENCE)
    with pytest.raises(DecodersStalledError):
        await workers.run(lambda: begun.append("after"))
    slow.let_go.set()
    assert [type(error) for error in await asyncio.gather(*stuck, return_exceptions=True)] == [DecodeTimeoutError] * 2
    workers.close()
    assert begun == []


async def test_a_decoding_that_is_given_up_holds_on_until_its_thread_is_free() -> None:
    workers, slow = PixelWorkers(1, SHORT), Slow()
    call = slow.begin(workers)
    await asyncio.wait_for(slow.told.get(), PATIENCE)
    call.cancel()
    assert await asyncio.wait({call}, timeout=SHORT) == (set(), {call})
    slow.let_go.set()
    with pytest.raises(asyncio.CancelledError):
        await call
    workers.close()


async def test_a_failure_that_nobody_waits_for_is_not_complained_about(caplog: pytest.LogCaptureFixture) -> None:
    workers, slow = PixelWorkers(1, SHORT), Slow()

    def fails() -> bool:
        return not slow.decode() or bool(1 // 0)

    call = asyncio.create_task(workers.run(fails, slow.told.put_nowait))
    await asyncio.wait_for(slow.told.get(), PATIENCE)
    slow.let_go.set()
    with pytest.raises(DecodeTimeoutError):
        await call
    del call
    gc.collect()
    workers.close()
    assert not caplog.records
