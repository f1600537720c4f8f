from dataclasses import replace
from pathlib import Path

import pytest

from app.api.admission import Admission
from app.api.state import ServedModel, State
from app.core.errors import EngineStalledError, ModelNotFoundError, ModelNotLoadedError, ModelNotReadyError
from app.core.settings import Settings
from app.store.repository import ModelStore
from tests.api.running import Service
from tests.fixtures.tiny_model import publish_tiny


@pytest.fixture
def state(settings: Settings) -> State:
    return State(settings, ModelStore(settings.model_store), Admission(1))


@pytest.fixture
def served(service: Service) -> ServedModel:
    assert service.state.served is not None
    return service.state.served


@pytest.mark.anyio
async def test_nothing_is_served_before_the_model_is_there(state: State) -> None:
    with pytest.raises(ModelNotReadyError, match="the model is loading"):
        state.require_ready()
    with pytest.raises(ModelNotReadyError, match="the model is loading"):
        await state.serving()
    state.require_alive()


@pytest.mark.anyio
async def test_a_warm_model_is_served(state: State, served: ServedModel) -> None:
    state.take(served)
    assert state.phase == "ready"
    assert state.require_ready() is served
    for reference in (None, "pets", "pets:1", "pets:production"):
        assert await state.serving(reference) is served


@pytest.mark.anyio
async def test_draining_is_not_ready_but_still_serves(state: State, served: ServedModel) -> None:
    state.take(served)
    state.drain()
    with pytest.raises(ModelNotReadyError, match="going down"):
        state.require_ready()
    assert await state.serving() is served
    state.require_alive()


def test_a_model_that_comes_while_draining_does_not_make_it_ready_again(state: State, served: ServedModel) -> None:
    state.drain()
    state.take(served)
    with pytest.raises(ModelNotReadyError, match="going down"):
        state.require_ready()
    state.fail("too late to matter")
    assert (state.phase, state.reason) == ("draining", "the service is going down")


def test_a_failed_load_says_why(state: State) -> None:
    state.fail("pets/1: model.xml differs")
    assert state.phase == "failed"
    with pytest.raises(ModelNotReadyError, match=r"model\.xml differs"):
        state.require_ready()


@pytest.mark.anyio
async def test_other_models_than_the_loaded_one(settings: Settings, served: ServedModel, tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "store")
    (tmp_path / "work").mkdir()
    publish_tiny(store, tmp_path / "work", name="cells")
    state = State(settings, store, Admission(1))
    state.take(served)
    with pytest.raises(ModelNotLoadedError, match="cells/1 is in the store but not loaded; pets/1 is"):
        await state.serving("cells")
    for reference in ("pets:1", "cells:2", "cells:staging", "../pets", "pets:"):
        with pytest.raises(ModelNotFoundError):
            await state.serving(reference)


class StuckScheduler:
    """Tells of pictures that have waited for so long."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def stuck_seconds(self) -> float:
        return self.seconds


class StuckSegmenter:
    """What liveness asks of a segmenter, and nothing else."""

    def __init__(self, seconds: float) -> None:
        self.scheduler = StuckScheduler(seconds)


@pytest.mark.parametrize(("seconds", "alive"), [(0.0, True), (59.9, True), (60.0, False), (900.0, False)])
def test_a_stalled_engine_is_not_alive(state: State, served: ServedModel, seconds: float, alive: bool) -> None:
    state.served = replace(served, segmenter=StuckSegmenter(seconds))  # type: ignore[arg-type]  # an engine that hangs
    if alive:
        state.require_alive()
    else:
        with pytest.raises(EngineStalledError, match=f"for {seconds:.0f} seconds"):
            state.require_alive()
