"""Pictures that take too long to decode: what their clients, other clients and the orchestrator see."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from app.core.settings import Settings
from app.imaging.decode import DecodeLimits, Picture, Plan, all_pixels, decode
from tests.api.running import Service, running
from tests.fixtures.waiting import SECONDS, until

pytestmark = pytest.mark.anyio
SHORT = 0.2
"""Seconds that a decoding may take: a picture that is not stuck needs less, on a busy machine too."""
THREADS = 2


class Stuck:
    """A decoder that does not come back from one picture until it is let go."""

    def __init__(self, picture: bytes) -> None:
        self.picture = picture
        self.let_go = threading.Event()

    def decode(self, data: bytes, limits: DecodeLimits, plan: Plan = all_pixels) -> Picture:
        def claim_then_wait(size: tuple[int, int]) -> tuple[int, int] | None:
            wanted = plan(size)
            if data == self.picture:
                assert self.let_go.wait(SECONDS)
            return wanted

        return decode(data, limits, claim_then_wait)


@pytest.fixture
def stuck(picture: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stuck]:
    decoder = Stuck(picture + b"behind its end")
    monkeypatch.setattr("app.inference.segmenter.decode", decoder.decode)
    monkeypatch.setattr("app.inference.workers.available_cpus", lambda: THREADS)
    yield decoder
    decoder.let_go.set()


@pytest.fixture
async def overdue(settings: Settings, stuck: Stuck) -> AsyncIterator[Service]:
    async with running(settings.model_copy(update={"decode_timeout_seconds": SHORT})) as service:
        yield service
        stuck.let_go.set()
        await until(lambda: not service.state.admission.admitted)


def held(service: Service) -> tuple[int, int]:
    """Places and pixels that are taken."""
    assert service.state.pool.default is not None
    return service.state.admission.admitted, service.state.pool.default.segmenter._resources.budget.taken


async def send(service: Service, *pictures: bytes) -> httpx.Response:
    """As a body, or where there are several as a form."""
    if len(pictures) == 1:
        return await service.http.post("/segment", content=pictures[0])
    return await service.http.post("/segment", files=[("file", data) for data in pictures])


async def test_it_is_answered_in_time_and_holds_its_place_until_its_thread_is_free(
    overdue: Service, stuck: Stuck, picture: bytes
) -> None:
    body = overdue.problem(await send(overdue, stuck.picture), 504, "decode_timeout")
    assert "longer to decode than the 0.2 seconds allowed" in body["detail"]
    assert held(overdue) == (1, 40 * 60)
    assert (await send(overdue, picture)).status_code == 200  # on the other thread
    assert (await overdue.http.get("/health/live")).status_code == 200
    stuck.let_go.set()
    await until(lambda: held(overdue) == (0, 0))
    assert (await send(overdue, stuck.picture)).status_code == 200


async def test_without_a_thread_live_says_so_and_nobody_waits(overdue: Service, stuck: Stuck, picture: bytes) -> None:
    answers = await asyncio.gather(*(send(overdue, stuck.picture) for _ in range(THREADS)))
    for answer in answers:
        overdue.problem(answer, 504, "decode_timeout")
    response = await overdue.http.get("/health/live")
    assert "all 2 threads" in overdue.problem(response, 503, "decoders_stalled")["detail"]
    response = await send(overdue, picture)
    overdue.problem(response, 503, "decoders_stalled")
    assert response.headers["retry-after"] == "1"
    stuck.let_go.set()
    await until(lambda: held(overdue) == (0, 0))
    assert (await overdue.http.get("/health/live")).status_code == 200
    assert (await send(overdue, picture)).status_code == 200


async def test_who_came_before_the_last_thread_was_stuck_is_told_too(
    overdue: Service, stuck: Stuck, picture: bytes
) -> None:
    pictures = [stuck.picture] * THREADS + [picture] * 3
    answers = await asyncio.gather(*(send(overdue, data) for data in pictures))
    assert [answer.json()["code"] for answer in answers] == ["decode_timeout"] * THREADS + ["decoders_stalled"] * 3


async def test_one_of_many_pictures(overdue: Service, stuck: Stuck, picture: bytes) -> None:
    request = asyncio.create_task(send(overdue, picture, stuck.picture, picture))
    await until(lambda: held(overdue)[1])
    await asyncio.wait({request}, timeout=4 * SHORT)
    assert not request.done()  # whoever reads a stream has its answers; the request keeps its place
    await until(lambda: held(overdue) == (1, 40 * 60))
    stuck.let_go.set()
    lines = [json.loads(line) for line in (await request).content.splitlines()]
    assert sorted((line["index"], line["status"]) for line in lines) == [(0, 200), (1, 504), (2, 200)]
    assert held(overdue) == (0, 0)


async def test_a_stuck_thread_does_not_keep_the_service_from_ending(
    settings: Settings, stuck: Stuck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.loading.CLOSE_SECONDS", SHORT)
    async with (
        asyncio.timeout(SECONDS),
        running(settings.model_copy(update={"decode_timeout_seconds": SHORT})) as service,
    ):
        service.problem(await send(service, stuck.picture), 504, "decode_timeout")
    assert not stuck.let_go.is_set()
