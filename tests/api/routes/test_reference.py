import pytest

from app.api.routes.page import PAGE_POLICY
from tests.api.running import Service

pytestmark = pytest.mark.anyio


async def test_for_people(service: Service) -> None:
    response = await service.http.get("/docs")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-security-policy"] == PAGE_POLICY
    assert "POST /segment" in response.text


async def test_its_files_are_its_own_and_no_others(service: Service) -> None:
    response = await service.http.get("/docs/reference.css")
    assert (response.status_code, response.headers["content-type"]) == (200, "text/css; charset=utf-8")
    for path in ("/docs/index.html", "/docs/main.js", "/docs/", "/docs/..%2findex.html"):
        service.problem(await service.http.get(path), 404, "not_found")


async def test_for_programs(service: Service) -> None:
    description = (await service.http.get("/openapi.json")).json()
    assert description["openapi"].startswith("3.1")
    assert description["servers"] == [{"url": "/"}]
    operations = [operation["operationId"] for path in description["paths"].values() for operation in path.values()]
    own = ["architecture", "live", "manifest", "metrics", "model", "models", "ready", "segment"]
    protocol = ["infer", "infer_version", "model_metadata", "model_ready", "repository_index", "server_live"]
    protocol += ["server_metadata", "server_ready", "version_metadata", "version_ready"]
    others = ["image_segmentation", "label_studio", "label_studio_health", "predict", "remove", "remove_url", "setup"]
    others += ["train", "versions", "webhook"]
    assert sorted(operations) == sorted([*own, *protocol, *others])
