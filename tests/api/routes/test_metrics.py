import pytest

from tests.api.running import Service

pytestmark = pytest.mark.anyio


async def test_prometheus_finds_requests_stages_and_the_process(service: Service, picture: bytes) -> None:
    await service.http.post("/segment", content=picture)
    response = await service.http.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert 'segserve_requests_total{method="POST",model="pets/1",route="/segment",status="200"}' in response.text
    assert 'segserve_stage_seconds_bucket{le="+Inf",stage="inference"}' in response.text
    assert "segserve_ready 1.0" in response.text
    assert "process_resident_memory_bytes" in response.text


async def test_every_label_comes_from_a_closed_set(service: Service, picture: bytes) -> None:
    await service.http.get("/evil-path-1")
    await service.http.get("/static/evil-path-2")
    await service.http.request("EVIL", "/segment", params={"evil": "3"}, headers={"X-Request-ID": "evil-4"})
    assert "evil" not in (await service.http.get("/metrics")).text.lower()


async def test_openmetrics_is_there_for_those_who_ask(service: Service) -> None:
    response = await service.http.get("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"})
    assert response.headers["content-type"].startswith("application/openmetrics-text")
