from collections.abc import AsyncIterator

import pytest

from app.core.settings import Settings
from app.store.repository import ModelStore
from tests.api.running import Service, running
from tests.fixtures.api_keys import WITH_KEY, written
from tests.fixtures.damage import damage

pytestmark = pytest.mark.anyio

KEYS = written("segment", "admin", "metrics")


@pytest.fixture
async def admin(three_versions: ModelStore) -> AsyncIterator[Service]:
    """A service with an admin API; its client sends the key."""
    settings = Settings(model_store=three_versions.root, api_keys=KEYS, max_models=2, poll_seconds=0)
    async with running(settings) as service:
        service.http.headers.update(WITH_KEY)
        yield service


async def answering(service: Service, picture: bytes, query: str = "") -> str:
    response = await service.http.post(f"/segment{query}", content=picture)
    assert response.status_code == 200, response.text
    return str(response.headers["segserve-model"]).partition(";")[0]


async def loaded(service: Service) -> list[int]:
    versions: list[int] = (await service.http.get("/models")).json()["models"][0]["loaded"]
    return versions


async def test_without_a_configured_key_there_is_no_admin_api(service: Service) -> None:
    for action in ("load", "unload", "activate"):
        response = await service.http.post(f"/models/pets/1/{action}", headers=WITH_KEY)
        service.problem(response, 404, "not_found")
    assert not [path for path in service.app.openapi()["paths"] if path.endswith("load")]


async def test_a_key_with_the_scope_is_needed(three_versions: ModelStore) -> None:
    reading = written("segment", "metrics", key="reader", name="reader")
    settings = Settings(model_store=three_versions.root, api_keys=KEYS + reading, poll_seconds=0)
    async with running(settings) as service:
        for path in ("pets/2/load", "pets/2/unload", "pets/2/activate", "pets/x/load", "pets/2/activate?wrong=1"):
            service.problem(await service.http.post(f"/models/{path}"), 401, "unauthorized")
            response = await service.http.post(f"/models/{path}", headers={"X-API-Key": "reader"})
            service.problem(response, 403, "forbidden")
        service.http.headers.update(WITH_KEY)
        assert await loaded(service) == [1]


async def test_load_and_unload(admin: Service, picture: bytes) -> None:
    response = await admin.http.post("/models/pets/2/load")
    assert (response.status_code, response.json()["version"]) == (200, 2)
    assert await loaded(admin) == [1, 2]
    assert await answering(admin, picture) == "pets/1"
    assert await answering(admin, picture, "?model=pets:2") == "pets/2"
    for path in ("/model", "/model/architecture"):
        response = await admin.http.get(f"{path}?model=pets:2")
        assert response.headers["segserve-model"].startswith("pets/2; ")
    response = await admin.http.post("/models/pets/2/unload")
    assert (response.status_code, response.content) == (204, b"")
    assert await loaded(admin) == [1]
    admin.problem(await admin.http.post("/segment?model=pets:2", content=picture), 409, "model_not_loaded")
    admin.problem(await admin.http.post("/models/pets/2/unload"), 409, "model_not_loaded")
    admin.problem(await admin.http.post("/models/pets/1/unload"), 409, "model_in_use")


async def test_activate(admin: Service, picture: bytes) -> None:
    response = await admin.http.post("/models/pets/3/activate?expected=1")
    assert (response.status_code, response.json()) == (200, {"name": "pets", "alias": "production", "version": 3})
    assert await answering(admin, picture) == "pets/3"
    assert admin.state.store.aliases("pets") == {"production": 3}
    assert 'version="3"' in (await admin.http.get("/metrics")).text
    admin.problem(await admin.http.post("/models/pets/2/activate?expected=1"), 409, "alias_conflict")
    assert await answering(admin, picture) == "pets/3"
    response = await admin.http.post("/models/pets/2/activate?alias=staging")
    assert response.json() == {"name": "pets", "alias": "staging", "version": 2}
    assert await loaded(admin) == [3]


async def test_a_broken_version_changes_nothing(admin: Service, picture: bytes) -> None:
    damage(admin.state.store.root / "pets" / "2")
    for action in ("load", "activate", "activate?alias=staging"):
        body = admin.problem(await admin.http.post(f"/models/pets/2/{action}"), 409, "model_unusable")
        assert body["detail"].startswith("pets/2 cannot be loaded: ")
    entry = (await admin.http.get("/models")).json()["models"][0]
    assert (entry["aliases"], entry["loaded"], list(entry["failed"])) == ({"production": 1}, [1], ["2"])
    assert await answering(admin, picture) == "pets/1"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("pets/9/load", 404, "model_not_found"),
        ("..%2Fpets/1/load", 404, "not_found"),
        ("PETS/1/load", 404, "model_not_found"),
        ("pets/0/load", 422, "invalid_parameter"),
        ("pets/production/load", 422, "invalid_parameter"),
        ("pets/9/activate", 404, "model_not_found"),
        ("pets/2/activate?alias=7", 422, "invalid_parameter"),
        ("pets/2/activate?expect=1", 422, "invalid_parameter"),
        ("pets/2/activate?alias=a&alias=b", 422, "invalid_parameter"),
    ],
)
async def test_what_is_wrong_is_said(admin: Service, path: str, status: int, code: str) -> None:
    admin.problem(await admin.http.post(f"/models/{path}"), status, code)
    assert admin.state.store.aliases("pets") == {"production": 1}


async def test_room_for_one(three_versions: ModelStore) -> None:
    settings = Settings(model_store=three_versions.root, api_keys=KEYS, max_models=1)
    async with running(settings) as service:
        service.problem(await service.http.post("/models/pets/2/load", headers=WITH_KEY), 409, "pool_full")
