import pytest

from app.api.routes.page import PAGE_POLICY
from tests.api.running import Service

pytestmark = pytest.mark.anyio


async def test_for_people(service: Service) -> None:
    response = await service.http.get("/docs")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-security-policy"] == PAGE_POLICY
    assert "POST /segment" in response.text


async def test_for_programs(service: Service) -> None:
    description = (await service.http.get("/openapi.json")).json()
    assert description["openapi"].startswith("3.1")
    assert description["servers"] == [{"url": "/"}]
    operations = [operation["operationId"] for path in description["paths"].values() for operation in path.values()]
    assert sorted(operations) == ["architecture", "live", "manifest", "metrics", "model", "models", "ready", "segment"]
