import pytest

from app.core.settings import Settings
from tests.api.running import Service, running
from tests.fixtures.waiting import until

pytestmark = pytest.mark.anyio
SURFACES = ("/api/remove", "/huggingface")


@pytest.mark.parametrize("path", SURFACES)
async def test_each_way_is_noted_as_the_service_notes_its_own(service: Service, picture: bytes, path: str) -> None:
    response = await service.http.post(path, content=picture)
    record = service.last_scope["state"]["record"]
    assert (record.pictures, str(record.model), record.picture_size) == (1, "pets/1", (40, 60))
    assert "inference;dur=" in response.headers["server-timing"]
    assert response.headers["cache-control"] == "no-store"
    metrics = (await service.http.get("/metrics")).text
    assert f'segserve_requests_total{{method="POST",model="pets/1",route="{path}",status="200"}}' in metrics


@pytest.mark.parametrize("path", [*SURFACES, "/label-studio/predict"])
async def test_places_deadlines_and_bounds_hold_for_each(settings: Settings, picture: bytes, path: str) -> None:
    async with running(settings.model_copy(update={"max_queue": 1, "max_bytes": 2000})) as service:
        response = await service.http.post(path, content=bytes(2001))
        service.problem(response, 413, "image_too_large")
        response = await service.http.post(path, content=picture, headers={"X-Request-Timeout": "1e-9"})
        service.problem(response, 504, "deadline_exceeded")
        await until(lambda: service.state.admission.admitted == 0)
        with service.state.admission.slot():
            response = await service.http.post(path, content=picture)
            service.problem(response, 503, "overloaded")
        assert service.state.admission.admitted == 0
