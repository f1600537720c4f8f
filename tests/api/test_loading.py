import asyncio
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from app.api.loading import LOADING
from app.core.settings import Settings
from app.inference.loaded import LoadedModel, load_model
from tests.api.running import running

pytestmark = pytest.mark.anyio


@pytest.fixture
def broken_store(tiny_store_path: Path, tmp_path: Path) -> Path:
    """A copy of the store, one bit of its network flipped."""
    store = tmp_path / "store"
    shutil.copytree(tiny_store_path, store)
    for file in ("model.keras", "openvino/model.bin"):
        path = store / "pets" / "1" / file
        if path.exists():
            path.chmod(0o644)
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.write_bytes(data)
    return store


async def test_while_it_loads_it_is_alive_not_ready_and_takes_no_pictures(
    settings: Settings, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()

    def held(*arguments: Any) -> LoadedModel:
        release.wait(30)
        return load_model(*arguments)

    monkeypatch.setattr("app.api.loading.load_model", held)
    async with running(settings, loaded=False) as service:
        assert (await service.http.get("/health/live")).status_code == 200
        for method, path in [("GET", "/health/ready"), ("POST", "/segment"), ("GET", "/model")]:
            response = await service.http.request(method, path, content=picture)
            body = service.problem(response, 503, "model_not_ready")
            assert body["detail"] == "the model is loading"
            assert response.headers["retry-after"] == "1"
        assert (await service.http.get("/models")).json()["models"][0]["loaded"] == []
        release.set()
        await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == LOADING))
        assert (await service.http.get("/health/ready")).json()["status"] == "ready"
        assert (await service.http.post("/segment", content=picture)).status_code == 200


async def test_a_version_that_is_damaged_is_not_served(
    broken_store: Path, picture: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(Settings(model_store=broken_store)) as service:
        assert service.state.phase == "failed"
        body = service.problem(await service.http.get("/health/ready"), 503, "model_not_ready")
        assert body["detail"].startswith("pets:production cannot be loaded: pets/1")
        service.problem(await service.http.post("/segment", content=picture), 503, "model_not_ready")
        assert "cannot load pets:production" in caplog.text


async def test_an_unforeseen_failure_is_in_the_log_and_gives_nothing_away(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError("/secret/path")

    monkeypatch.setattr("app.api.loading.load_model", explode)
    async with running(settings) as service:
        assert service.state.reason == "pets:production cannot be loaded: unexpected error, the log has it"
    assert "RuntimeError: /secret/path" in caplog.text


async def test_at_the_end_nothing_stays(settings: Settings) -> None:
    before = set(threading.enumerate())
    async with running(settings) as service:
        assert service.state.served is not None
    assert service.state.served is None
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive()


async def test_an_end_in_the_middle_of_loading_waits_for_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()

    def slow(*_: object) -> None:
        release.wait(30)
        raise RuntimeError("nobody is interested any more")

    monkeypatch.setattr("app.api.loading.load_model", slow)
    try:
        async with asyncio.timeout(10), running(settings, loaded=False) as service:
            await asyncio.sleep(0)
        assert service.state.phase == "loading"
    finally:
        release.set()


async def test_an_engine_that_hangs_does_not_keep_the_process(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("app.api.loading.CLOSE_SECONDS", 0.01)
    async with running(settings) as service:
        assert service.state.served is not None
        segmenter = service.state.served.segmenter
        monkeypatch.setattr(segmenter, "close", asyncio.Event().wait)
    assert "the engine does not end" in caplog.text
