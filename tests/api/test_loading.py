import asyncio
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from app.api.loading import LOADING
from app.core.settings import Settings
from app.inference.loaded import LoadedModel, load_model
from app.store.repository import ModelStore
from tests.api.running import Service, running
from tests.fixtures.damage import damage
from tests.fixtures.waiting import until

pytestmark = pytest.mark.anyio


@pytest.fixture
def broken_store(tiny_store_path: Path, tmp_path: Path) -> Path:
    """A copy of the store, one bit of its network flipped."""
    store = tmp_path / "store"
    shutil.copytree(tiny_store_path, store)
    damage(store / "pets" / "1")
    return store


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Loading waits for it."""
    release = threading.Event()

    def held(*arguments: Any) -> LoadedModel:
        release.wait(30)
        return load_model(*arguments)

    monkeypatch.setattr("app.inference.served.load_model", held)
    return release


async def test_while_it_loads_it_is_alive_and_not_ready(
    settings: Settings, picture: bytes, release: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.state.LOADING_PATIENCE_SECONDS", 0.01)
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


async def test_a_picture_that_comes_while_it_loads_waits_for_the_model(
    settings: Settings, picture: bytes, release: threading.Event
) -> None:
    async with running(settings, loaded=False) as service:
        early = asyncio.create_task(service.http.post("/segment", content=picture))
        impatient = await service.http.post("/segment?timeout=0.01", content=picture)
        service.problem(impatient, 504, "deadline_exceeded")
        assert not early.done()
        release.set()
        assert (await early).status_code == 200


async def test_a_version_that_is_damaged_is_not_served(
    broken_store: Path, picture: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(Settings(model_store=broken_store)) as service:
        assert service.state.phase == "failed"
        body = service.problem(await service.http.get("/health/ready"), 503, "model_not_ready")
        assert body["detail"].startswith("pets:production cannot be served: pets/1 cannot be loaded: ")
        service.problem(await service.http.post("/segment", content=picture), 503, "model_not_ready")
        assert "cannot serve pets:production" in caplog.text


async def test_an_unforeseen_failure_is_in_the_log_and_gives_nothing_away(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError("/secret/path")

    monkeypatch.setattr("app.inference.served.load_model", explode)
    async with running(settings) as service:
        assert (
            service.state.reason
            == "pets:production cannot be served: pets/1 cannot be loaded: unexpected error, the log has it"
        )
    assert "RuntimeError: /secret/path" in caplog.text


async def test_at_the_end_nothing_stays(settings: Settings) -> None:
    before = set(threading.enumerate())
    async with running(settings) as service:
        assert service.state.pool.default is not None
    assert service.state.pool.default is None
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

    monkeypatch.setattr("app.inference.served.load_model", slow)
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
        assert service.state.pool.default is not None
        segmenter = service.state.pool.default.segmenter
        monkeypatch.setattr(segmenter, "close", asyncio.Event().wait)
    assert "the engine does not end" in caplog.text


def polling(store: ModelStore) -> Settings:
    return Settings(model_store=store.root, poll_seconds=0.02)


async def answers_with(service: Service, version: int) -> None:
    """Waits until that version is the one that answers."""
    await until(lambda: service.state.require_ready().model.version.version == version)


async def test_it_follows_the_alias(three_versions: ModelStore, picture: bytes) -> None:
    async with running(polling(three_versions)) as service:
        for version in (2, 3, 1):
            three_versions.set_alias("pets", "production", version)
            await answers_with(service, version)
            response = await service.http.post("/segment", content=picture)
            assert response.headers["segserve-model"].startswith(f"pets/{version}; ")
            assert f'version="{version}"' in (await service.http.get("/metrics")).text
        assert [served.model.version.version for served in service.state.pool.models] == [1]


async def test_a_broken_version_changes_nothing_and_its_reason_is_told(
    three_versions: ModelStore, picture: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    damage(three_versions.root / "pets" / "2")
    async with running(polling(three_versions)) as service:
        three_versions.set_alias("pets", "production", 2)
        await until(lambda: service.state.pool.failures)
        failed = (await service.http.get("/models")).json()["models"][0]["failed"]
        assert list(failed) == ["2"]
        assert failed["2"].startswith("pets/2")
        await asyncio.sleep(0.2)  # it is looked at again some times, and not loaded again
        assert service.state.phase == "ready"
        response = await service.http.post("/segment", content=picture)
        assert response.headers["segserve-model"].startswith("pets/1; ")
        assert caplog.text.count("pets:production stays as it is: pets/2 cannot be loaded: ") == 1
        three_versions.set_alias("pets", "production", 3)
        await answers_with(service, 3)


async def test_a_store_that_comes_back_is_followed_again(
    three_versions: ModelStore, caplog: pytest.LogCaptureFixture
) -> None:
    away = three_versions.root.with_name("away")
    async with running(polling(three_versions)) as service:
        three_versions.root.rename(away)
        await until(lambda: "stays as it is" in caplog.text)
        await asyncio.sleep(0.1)
        assert caplog.text.count("stays as it is") == 1
        away.rename(three_versions.root)
        three_versions.set_alias("pets", "production", 2)
        await answers_with(service, 2)


async def test_an_unforeseen_failure_does_not_end_the_following(
    three_versions: ModelStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(polling(three_versions)) as service:
        resolve = three_versions.resolve
        monkeypatch.setattr(service.state.store, "resolve", lambda reference: 1 / 0)
        await until(lambda: "cannot follow pets:production" in caplog.text)
        monkeypatch.setattr(service.state.store, "resolve", resolve)
        three_versions.set_alias("pets", "production", 2)
        await answers_with(service, 2)
