import asyncio
import logging
import threading
import time
from itertools import pairwise
from operator import attrgetter

import numpy as np
import pytest

from app.core.errors import InferenceError
from app.core.telemetry import request_id
from app.inference.engine import Images, Probabilities
from app.inference.loaded import LoadedModel
from app.inference.scheduler import Scheduler
from app.inference.stages import Stage
from app.inference.tensorflow_engine import TensorFlowEngine
from tests.inference.pictures import chelsea
from tests.inference.scripted import ScriptedEngine, brightness, shade

pytestmark = pytest.mark.anyio
PATIENCE = 30  # seconds until a test that hangs fails


class HeldEngine(ScriptedEngine):
    """Works on a picture until the test lets it go."""

    def __init__(self, streams: int = 1, calls: int = 0) -> None:
        super().__init__(self._hold, streams, calls)
        self.begun: list[int] = []
        self.entered = threading.Semaphore(0)
        self.let_go = threading.Semaphore(0)

    def _hold(self, images: Images) -> Probabilities:
        self.begun.append(int(images[0, 0, 0, 0]))
        self.entered.release()
        assert self.let_go.acquire(timeout=PATIENCE)
        return brightness(images)

    async def until_entered(self) -> None:
        assert await asyncio.to_thread(self.entered.acquire, timeout=PATIENCE)


async def test_result_and_times(model: LoadedModel) -> None:
    scheduler = Scheduler(model.engine)
    inference = await scheduler.run(chelsea(32, 32))
    await scheduler.close()
    assert inference.probabilities.shape == (32, 32, 3)
    assert inference.probabilities.sum(axis=-1) == pytest.approx(1.0, abs=1e-5)
    assert inference.queue_ms >= 0
    assert inference.inference_ms > 0


async def test_loop_goes_on_while_the_engine_works() -> None:
    engine = HeldEngine()
    scheduler = Scheduler(engine)
    task = asyncio.create_task(scheduler.run(shade(51)))
    await engine.until_entered()
    assert scheduler.in_flight == 1
    assert not task.done()
    engine.let_go.release()
    assert (await task).probabilities[0, 0] == pytest.approx([0.2, 0.8])
    assert scheduler.in_flight == 0
    await scheduler.close()


async def test_as_many_side_by_side_as_streams() -> None:
    engine = HeldEngine(streams=2)
    scheduler = Scheduler(engine)
    tasks = [asyncio.create_task(scheduler.run(shade(number))) for number in (1, 2, 3)]
    await engine.until_entered()
    await engine.until_entered()
    full = time.perf_counter()
    assert sorted(engine.begun) == [1, 2]
    assert scheduler.in_flight == 3
    held_ms = (time.perf_counter() - full) * 1e3
    for _ in tasks:
        engine.let_go.release()
    *_, third = await asyncio.gather(*tasks)
    assert third.queue_ms >= held_ms
    await scheduler.close()


async def test_waiting_inside_the_engine_is_waiting() -> None:
    engine = HeldEngine(streams=1, calls=2)
    scheduler = Scheduler(engine)
    tasks = [asyncio.create_task(scheduler.run(shade(number))) for number in (1, 2, 3)]
    for _ in range(2):
        await engine.until_entered()
    assert sorted(engine.begun) == [1, 2]  # the second is ready for when the stream is free
    full = time.perf_counter()
    assert (scheduler.working, scheduler.waiting) == (2, 1)
    await asyncio.sleep(0.05)
    held_ms = (time.perf_counter() - full) * 1e3
    engine.let_go.release()
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    engine.let_go.release(2)
    first, *others = sorted(
        [*(task.result() for task in done), *await asyncio.gather(*(set(tasks) - done))], key=attrgetter("queue_ms")
    )
    await scheduler.close()
    assert first.inference_ms >= held_ms
    assert all(each.queue_ms >= held_ms for each in others)


async def test_a_bad_picture_fails_alone(caplog: pytest.LogCaptureFixture) -> None:
    def fail_on_seven(images: Images) -> Probabilities:
        if images[0, 0, 0, 0] == 7:
            raise ValueError("seven")
        return brightness(images)

    scheduler = Scheduler(ScriptedEngine(fail_on_seven, streams=2))
    with caplog.at_level(logging.ERROR):
        results = await asyncio.gather(*(scheduler.run(shade(red)) for red in range(16)), return_exceptions=True)
    await scheduler.close()
    assert isinstance(results.pop(7), InferenceError)
    assert len(results) == 15
    assert not [result for result in results if isinstance(result, BaseException)]


async def test_log_of_a_failure_belongs_to_its_request() -> None:
    seen: list[str] = []

    def note(images: Images) -> Probabilities:
        seen.append(request_id.get())
        return brightness(images)

    scheduler = Scheduler(ScriptedEngine(note))
    token = request_id.set("abc")
    await scheduler.run(shade(0))
    request_id.reset(token)
    await scheduler.close()
    assert seen == ["abc"]


async def test_a_cancelled_picture_that_waits_is_never_begun() -> None:
    engine = HeldEngine()
    scheduler = Scheduler(engine)
    first = asyncio.create_task(scheduler.run(shade(1)))
    await engine.until_entered()
    second = asyncio.create_task(scheduler.run(shade(2)))
    third = asyncio.create_task(scheduler.run(shade(3)))
    await asyncio.sleep(0)  # both are queued
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert scheduler.in_flight == 2
    engine.let_go.release()
    engine.let_go.release()
    await asyncio.gather(first, third)
    await scheduler.close()
    assert engine.begun == [1, 3]


async def test_a_cancelled_picture_in_the_engine_leaves_the_stream_usable() -> None:
    engine = HeldEngine()
    scheduler = Scheduler(engine)
    task = asyncio.create_task(scheduler.run(shade(1)))
    await engine.until_entered()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    engine.let_go.release()
    engine.let_go.release()
    assert (await scheduler.run(shade(255))).probabilities[0, 0, 0] == 1.0
    assert scheduler.in_flight == 0
    await scheduler.close()


async def test_stuck_only_while_pictures_wait_for_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("app.inference.scheduler.time.monotonic", lambda: clock[0])
    engine = HeldEngine()
    scheduler = Scheduler(engine)
    clock[0] = 500.0
    assert scheduler.stuck_seconds() == 0.0  # idle
    tasks = [asyncio.create_task(scheduler.run(shade(number))) for number in (1, 2)]
    await engine.until_entered()
    clock[0] = 507.0
    assert scheduler.stuck_seconds() == 7.0  # since it stopped being idle
    engine.let_go.release()
    await tasks[0]
    clock[0] = 510.0
    assert scheduler.stuck_seconds() == 3.0  # since the last picture
    engine.let_go.release()
    await tasks[1]
    assert scheduler.stuck_seconds() == 0.0
    await scheduler.close()


async def test_closing_finishes_what_was_accepted() -> None:
    engine = HeldEngine()
    scheduler = Scheduler(engine)
    tasks = [asyncio.create_task(scheduler.run(shade(number))) for number in (1, 2)]
    await engine.until_entered()
    closing = asyncio.create_task(scheduler.close())
    engine.let_go.release()
    engine.let_go.release()
    assert len(await asyncio.gather(*tasks)) == 2
    await closing
    assert engine.begun == [1, 2]
    with pytest.raises(RuntimeError):
        await scheduler.run(shade(3))
    assert scheduler.in_flight == 0


async def test_one_picture_after_another_as_many_at_a_time_as_streams() -> None:
    engine = HeldEngine(streams=2)
    scheduler = Scheduler(engine)
    results = asyncio.create_task(
        asyncio.to_thread(lambda: list(scheduler.infer_all(map(shade, (10, 20, 30, 40, 50)))))
    )
    for _ in range(2):
        await engine.until_entered()
    assert sorted(engine.begun) == [10, 20]
    assert scheduler.in_flight == 2  # the others do not stand in anybody's way
    for _ in range(5):
        engine.let_go.release()
    reds = [round(float(inference.probabilities[0, 0, 0]) * 255) for inference in await results]
    assert reds == [10, 20, 30, 40, 50]
    await scheduler.close()


async def test_one_of_many_fails() -> None:
    def fails_on_20(images: Images) -> Probabilities:
        if images[0, 0, 0, 0] == 20:
            raise RuntimeError("no")
        return brightness(images)

    scheduler = Scheduler(ScriptedEngine(fails_on_20, streams=2))
    with pytest.raises(InferenceError):
        await asyncio.to_thread(lambda: list(scheduler.infer_all(map(shade, (10, 20, 30)))))
    await scheduler.close()
    assert scheduler.in_flight == 0


async def test_batches_where_they_pay() -> None:
    sizes: list[int] = []
    entered, let_go = threading.Event(), threading.Event()

    def note(images: Images) -> Probabilities:
        sizes.append(len(images))
        entered.set()
        assert let_go.wait(PATIENCE)
        return np.concatenate([brightness(image[None]) for image in images])

    engine = ScriptedEngine(note)
    engine.batch_sizes = (1, 2, 4)
    scheduler = Scheduler(engine)
    tasks = [asyncio.create_task(scheduler.run(shade(red))) for red in range(8)]
    assert await asyncio.to_thread(entered.wait, PATIENCE)
    let_go.set()
    reds = [round(float(inference.probabilities[0, 0, 0]) * 255) for inference in await asyncio.gather(*tasks)]
    await scheduler.close()
    assert reds == list(range(8))
    assert sizes == [1, 4, 3]  # the first did not wait for others


async def test_batches_of_a_network_under_load(
    batching_engine: TensorFlowEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [np.roll(chelsea(32, 32), shift, axis=1) for shift in range(32)]
    alone = [batching_engine.infer(picture[None])[0] for picture in pictures]
    sizes: list[int] = []
    infer = batching_engine.infer

    def note(images: Images) -> Probabilities:
        sizes.append(len(images))
        return infer(images)

    monkeypatch.setattr(batching_engine, "infer", note)
    scheduler = Scheduler(batching_engine)
    singles = [asyncio.create_task(scheduler.run(picture)) for picture in pictures[:16]]
    many = asyncio.create_task(asyncio.to_thread(lambda: list(scheduler.infer_all(pictures[16:]))))
    results = [*await asyncio.gather(*singles), *await many]
    await scheduler.close()
    assert sizes[:2] == [1, 4]  # the first did not wait for others
    assert max(sizes) == 4
    assert sum(sizes) == 32
    for result, expected in zip(results, alone, strict=True):
        assert np.abs(result.probabilities - expected).max() < 1e-5
    assert min(np.abs(one - other).max() for one, other in pairwise(alone)) > 0.01


async def test_bad_pictures_of_a_batch_fail_alone(batching_engine: TensorFlowEngine) -> None:
    pictures: list[Images] = [np.roll(chelsea(32, 32), shift, axis=1) for shift in range(9)]
    pictures[2] = np.full((32, 32, 3), np.nan, np.float32)
    pictures[6] = chelsea(48, 32)  # of another size than the network's
    scheduler = Scheduler(batching_engine)
    results = await asyncio.gather(*(scheduler.run(picture) for picture in pictures), return_exceptions=True)
    await scheduler.close()
    for number, (result, picture) in enumerate(zip(results, pictures, strict=True)):
        if number in (2, 6):
            assert isinstance(result, InferenceError)
        else:
            assert not isinstance(result, BaseException)
            assert np.abs(result.probabilities - batching_engine.infer(picture[None])[0]).max() < 1e-5


async def test_waiting_and_inference_are_reported() -> None:
    engine = HeldEngine()
    scheduler = Scheduler(engine)
    found: list[Stage] = []
    first = asyncio.create_task(scheduler.run(shade(1)))
    await engine.until_entered()
    second = asyncio.create_task(scheduler.run(shade(2), found.append))
    await asyncio.sleep(0)  # it is queued
    engine.let_go.release(2)
    result = (await asyncio.gather(first, second))[1]
    queue, inference = found
    assert (queue.name, inference.name) == ("queue", "inference")
    assert queue.ended == inference.begun
    assert (queue.ended - queue.begun) * 1e3 == result.queue_ms
    assert (inference.ended - inference.begun) * 1e3 == result.inference_ms
    await scheduler.close()


async def test_an_inference_that_fails_is_reported_with_its_error() -> None:
    def fail(images: Images) -> Probabilities:
        raise ValueError("no")

    scheduler = Scheduler(ScriptedEngine(fail))
    found: list[Stage] = []
    with pytest.raises(InferenceError) as raised:
        await scheduler.run(shade(1), found.append)
    await scheduler.close()
    assert [(stage.name, stage.error) for stage in found] == [("queue", None), ("inference", raised.value)]


async def test_what_is_given_up_is_reported_when_it_has_ended() -> None:
    engine = HeldEngine()
    scheduler = Scheduler(engine)
    begun: list[Stage] = []
    waiting: list[Stage] = []
    first = asyncio.create_task(scheduler.run(shade(1), begun.append))
    await engine.until_entered()
    second = asyncio.create_task(scheduler.run(shade(2), waiting.append))
    await asyncio.sleep(0)  # it is queued
    for task in (first, second):
        task.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert [(stage.name, type(stage.error)) for stage in waiting] == [("queue", asyncio.CancelledError)]
    assert begun == []  # the engine still works on it
    engine.let_go.release()
    await scheduler.close()
    assert [(stage.name, stage.error) for stage in begun] == [("queue", None), ("inference", None)]
