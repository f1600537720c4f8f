import asyncio
import threading
from functools import partial

import pytest

from app.core.telemetry import request_id
from app.inference.cpus import available_cpus
from app.inference.workers import PixelWorkers

pytestmark = pytest.mark.anyio
PATIENCE = 30  # seconds until a test that hangs fails


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
