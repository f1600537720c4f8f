import shutil
from pathlib import Path

import pytest

from app.core.settings import Settings
from tests.api.running import Service, running

pytestmark = pytest.mark.anyio


async def test_the_store_is_listed(service: Service) -> None:
    response = await service.http.get("/models")
    assert response.json() == {
        "models": [{"name": "pets", "versions": [1], "aliases": {"production": 1}, "loaded": [1], "failed": {}}]
    }


async def test_a_store_that_vanishes_is_told(tiny_store_path: Path, tmp_path: Path, picture: bytes) -> None:
    store = tmp_path / "store"
    shutil.copytree(tiny_store_path, store)
    async with running(Settings(model_store=store)) as service:
        store.rename(tmp_path / "elsewhere")
        service.problem(await service.http.get("/models"), 503, "store_unavailable")
        assert (await service.http.post("/segment", content=picture)).status_code == 200  # it is in memory


async def test_a_manifest(service: Service, tiny_store_path: Path) -> None:
    response = await service.http.get("/models/pets/1")
    assert response.status_code == 200
    manifest = response.json()
    assert (manifest["name"], manifest["version"]) == ("pets", 1)
    assert manifest["files"].keys() >= {"model.keras", "architecture.json"}
    again = await service.http.get("/models/pets/1", headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304
    service.problem(await service.http.get("/models/pets/2"), 404, "model_not_found")
    service.problem(await service.http.get("/models/pets/x"), 422, "invalid_parameter")
