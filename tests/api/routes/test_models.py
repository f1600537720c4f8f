import shutil
from pathlib import Path

import pytest

from app.core.settings import Settings
from tests.api.running import Service, running

pytestmark = pytest.mark.anyio


async def test_the_store_is_listed(service: Service) -> None:
    response = await service.http.get("/models")
    assert response.json() == {
        "models": [{"name": "pets", "versions": [1], "aliases": {"production": 1}, "loaded": [1]}]
    }


async def test_a_store_that_vanishes_is_told(tiny_store_path: Path, tmp_path: Path, picture: bytes) -> None:
    store = tmp_path / "store"
    shutil.copytree(tiny_store_path, store)
    async with running(Settings(model_store=store)) as service:
        store.rename(tmp_path / "elsewhere")
        service.problem(await service.http.get("/models"), 503, "store_unavailable")
        assert (await service.http.post("/segment", content=picture)).status_code == 200  # it is in memory
