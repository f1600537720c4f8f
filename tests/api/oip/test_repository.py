import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.core.settings import Settings
from app.store.repository import ModelStore
from tests.api.running import Service, running
from tests.fixtures.api_keys import WITH_KEY, written
from tests.fixtures.damage import damage

pytestmark = pytest.mark.anyio
INDEX = "/v2/repository/index"


@pytest.fixture
async def admin(three_versions: ModelStore) -> AsyncIterator[Service]:
    """A service with an admin API; its client sends the key."""
    keys = written("segment", "admin")
    settings = Settings(model_store=three_versions.root, api_keys=keys, max_models=2, poll_seconds=0)
    async with running(settings) as service:
        service.http.headers.update(WITH_KEY)
        yield service


async def index(service: Service, **body: Any) -> dict[str, tuple[str, str]]:
    entries = (await service.http.post(INDEX, json=body)).json()
    assert all(entry["name"] == "pets" for entry in entries)
    return {entry["version"]: (entry["state"], entry["reason"]) for entry in entries}


async def test_the_index(service: Service, three_versions: ModelStore) -> None:
    for body in (b"", b" ", b"{}", b'{"ready": false}', b'{"ready": true}'):
        entries = (await service.http.post(INDEX, content=body)).json()
        assert entries == [{"name": "pets", "version": "1", "state": "READY", "reason": ""}]
    async with running(Settings(model_store=three_versions.root, poll_seconds=0)) as other:
        absent = ("UNAVAILABLE", "not loaded")
        assert await index(other) == {"1": ("READY", ""), "2": absent, "3": absent}
        assert await index(other, ready=True) == {"1": ("READY", "")}
    for content, status, code in (
        (b"{", 400, "malformed_request"),
        (b"[]", 400, "malformed_request"),
        (b'{"ready": "yes"}', 422, "invalid_parameter"),
        (b'{"red": true}', 422, "invalid_parameter"),
    ):
        service.refusal(await service.http.post(INDEX, content=content), status, code)


async def test_load_and_unload(admin: Service) -> None:
    response = await admin.http.post("/v2/repository/models/pets:2/load")
    assert response.json() == {"name": "pets", "version": "2", "state": "READY", "reason": ""}
    assert (await index(admin))["2"] == ("READY", "")
    response = await admin.http.post("/v2/repository/models/pets/load", content=b"{}")  # what production points at
    assert response.json()["version"] == "1"
    body = {"parameters": {"unload_dependents": True}}
    response = await admin.http.post("/v2/repository/models/pets:2/unload", json=body)
    assert response.json() == [{"name": "pets", "version": "2", "state": "UNAVAILABLE", "reason": "unloaded"}]
    assert (await index(admin))["2"] == ("UNAVAILABLE", "not loaded")


async def test_what_cannot_be(admin: Service) -> None:
    config, files = {"parameters": {"config": "{}"}}, {"parameters": {"file:1/model.onnx": "AAAA"}}
    cases: list[tuple[str, dict[str, Any], int, str]] = [
        ("pets/unload", {}, 409, "model_in_use"),
        ("pets:1/unload", {}, 409, "model_in_use"),
        ("pets:2/unload", {}, 409, "model_not_loaded"),
        ("pets:9/unload", {}, 404, "model_not_found"),
        ("other/unload", {}, 404, "model_not_found"),
        ("other/load", {}, 404, "model_not_found"),
        ("pets:no/load", {}, 404, "model_not_found"),
        ("pets:2/load", config, 422, "invalid_parameter"),
        ("pets:2/load", files, 422, "invalid_parameter"),
        ("pets:2/load", {"config": "{}"}, 422, "invalid_parameter"),
        ("pets:2/unload", {"parameters": {"force": True}}, 422, "invalid_parameter"),
    ]
    for path, body, status, code in cases:
        admin.refusal(await admin.http.post(f"/v2/repository/models/{path}", json=body), status, code)
    absent = ("UNAVAILABLE", "not loaded")
    assert await index(admin) == {"1": ("READY", ""), "2": absent, "3": absent}


async def test_all_versions_of_another_model_go_together(admin: Service, three_versions: ModelStore) -> None:
    others = shutil.copytree(three_versions.root / "pets", three_versions.root / "others")
    for manifest in others.glob("*/manifest.json"):
        manifest.chmod(0o644)
        manifest.write_text(manifest.read_text().replace('"name": "pets"', '"name": "others"', 1))
    assert (await admin.http.post("/v2/repository/models/others:2/load")).status_code == 200
    response = await admin.http.post("/v2/repository/models/others/unload")
    assert [entry["version"] for entry in response.json()] == ["2"]
    admin.refusal(await admin.http.post("/v2/repository/models/others/unload"), 409, "model_not_loaded")


async def test_a_version_that_is_damaged(admin: Service, three_versions: ModelStore) -> None:
    damage(three_versions.root / "pets/2")
    admin.refusal(await admin.http.post("/v2/repository/models/pets:2/load"), 409, "model_unusable")
    state, reason = (await index(admin))["2"]
    assert state == "UNAVAILABLE"
    assert "sha256 differs" in reason
