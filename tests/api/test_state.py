import asyncio

import pytest

from app.api.admission import Admission
from app.api.state import State
from app.core.errors import DecodersStalledError, EngineStalledError, ModelNotReadyError
from app.core.settings import Settings
from app.inference.pool import ModelPool
from app.inference.served import ServedModel
from app.store.repository import ModelStore
from tests.api.running import Service


@pytest.fixture
def state(settings: Settings) -> State:
    return State(settings, ModelPool(ModelStore(settings.model_store), settings), Admission(1))


@pytest.fixture
def served(service: Service) -> ServedModel:
    assert service.state.pool.default is not None
    return service.state.pool.default


def take(state: State, served: ServedModel) -> None:
    state.pool.default = served
    state.take(served)


@pytest.mark.anyio
async def test_nothing_is_served_before_the_model_is_there(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.api.state.LOADING_PATIENCE_SECONDS", 0.01)
    with pytest.raises(ModelNotReadyError, match="the model is loading"):
        state.require_ready()
    with pytest.raises(ModelNotReadyError, match="the model is loading"):
        await state.using().__aenter__()
    state.require_alive()


@pytest.mark.anyio
async def test_a_warm_model_is_served(state: State, served: ServedModel) -> None:
    take(state, served)
    assert state.phase == "ready"
    assert state.require_ready() is served
    async with state.using() as used:
        assert used is served


@pytest.mark.anyio
async def test_draining_is_not_ready_but_still_serves(state: State, served: ServedModel) -> None:
    take(state, served)
    state.drain()
    with pytest.raises(ModelNotReadyError, match="going down"):
        state.require_ready()
    async with state.using() as used:
        assert used is served
    state.require_alive()


def test_a_model_that_comes_while_draining_does_not_make_it_ready_again(state: State, served: ServedModel) -> None:
    state.drain()
    take(state, served)
    with pytest.raises(ModelNotReadyError, match="going down"):
        state.require_ready()
    state.fail("too late to matter")
    assert (state.phase, state.reason) == ("draining", "the service is going down")


@pytest.mark.anyio
async def test_who_waits_for_the_model_goes_on_when_it_is_there(state: State, served: ServedModel) -> None:
    waiting = asyncio.create_task(state.using().__aenter__())
    await asyncio.sleep(0)
    take(state, served)
    assert await waiting is served


@pytest.mark.anyio
async def test_who_waits_for_a_model_that_fails_is_told_why(state: State) -> None:
    waiting = asyncio.create_task(state.using().__aenter__())
    await asyncio.sleep(0)
    state.fail("pets/1: model.xml differs")
    with pytest.raises(ModelNotReadyError, match=r"model\.xml differs"):
        await waiting


def test_a_failed_load_says_why(state: State) -> None:
    state.fail("pets/1: model.xml differs")
    assert state.phase == "failed"
    with pytest.raises(ModelNotReadyError, match=r"model\.xml differs"):
        state.require_ready()


@pytest.mark.parametrize(("seconds", "alive"), [(0.0, True), (59.9, True), (60.0, False), (900.0, False)])
def test_a_stalled_engine_is_not_alive(
    state: State, monkeypatch: pytest.MonkeyPatch, seconds: float, alive: bool
) -> None:
    monkeypatch.setattr(state.pool, "stuck_seconds", lambda: seconds)
    if alive:
        state.require_alive()
    else:
        with pytest.raises(EngineStalledError, match=f"for {seconds:.0f} seconds"):
            state.require_alive()


def test_without_a_thread_that_decodes_it_is_not_alive(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left() -> None:
        raise DecodersStalledError("all 2 threads")

    monkeypatch.setattr(state.pool, "require_decoders", none_left)
    with pytest.raises(DecodersStalledError, match="all 2 threads"):
        state.require_alive()
