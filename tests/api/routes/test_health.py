import pytest

from app.core.settings import Settings
from tests.api.running import Service, running

pytestmark = pytest.mark.anyio


async def test_a_running_service_is_alive_and_ready(service: Service) -> None:
    live = await service.http.get("/health/live")
    assert (live.status_code, live.json()) == (200, {"status": "live"})
    ready = await service.http.get("/health/ready")
    body = ready.json()
    assert (ready.status_code, body["status"]) == (200, "ready")
    assert body["model"].items() >= {"name": "pets", "version": 1}.items()


async def test_going_down_it_is_alive_but_not_ready_and_still_answers(settings: Settings, picture: bytes) -> None:
    async with running(settings) as service:
        service.state.drain()
        body = service.problem(await service.http.get("/health/ready"), 503, "model_not_ready")
        assert body["detail"] == "the service is going down"
        assert (await service.http.get("/health/live")).status_code == 200
        assert (await service.http.post("/segment", content=picture)).status_code == 200


async def test_a_stalled_engine_is_not_alive(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    assert service.state.pool.default is not None
    monkeypatch.setattr(service.state.pool.default.segmenter.scheduler, "stuck_seconds", lambda: 61.0)
    body = service.problem(await service.http.get("/health/live"), 503, "engine_stalled")
    assert body["detail"] == "the engine has not finished a picture for 61 seconds"
