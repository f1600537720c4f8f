"""Life of the application: the model loads behind the open listener, and is freed at the end."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import TypedDict

from app.api.state import ServedModel, State
from app.core.architecture import ARCHITECTURE, ArchitectureSummary
from app.core.errors import SegserveError
from app.core.settings import Settings
from app.inference.loaded import LoadedModel, load_model
from app.inference.segmenter import Resources, Segmenter
from app.store.repository import ModelStore

logger = logging.getLogger(__name__)

LOADING = "load model"
"""Name of the task that ends when the model is ready, or cannot be."""
CLOSE_SECONDS = 5.0
"""Longest wait for the engine at the end: one that hangs must not keep the process."""


class LifespanState(TypedDict):
    """What every request finds in `request.state`."""

    service: State


@asynccontextmanager
async def running(state: State) -> AsyncIterator[LifespanState]:
    """Loads the model in the background, and frees it at the end."""
    resources = Resources.of(state.settings)
    # a thread of its own, that nobody waits for: a load cannot be interrupted
    executor = ThreadPoolExecutor(1, thread_name_prefix="model")
    loading = asyncio.create_task(_load(state, executor, resources), name=LOADING)
    try:
        yield {"service": state}
    finally:
        loading.cancel()
        with suppress(asyncio.CancelledError):
            await loading
        await _close(state, executor, resources)


async def _load(state: State, executor: ThreadPoolExecutor, resources: Resources) -> None:
    started = time.perf_counter()
    settings = state.settings
    loop = asyncio.get_running_loop()
    try:
        model, architecture = await loop.run_in_executor(executor, _read, state.store, settings)
        state.take(ServedModel(Segmenter(model, settings, resources), architecture))
    except SegserveError as error:
        logger.error("cannot load %s: %s", settings.model, error.detail)
        state.fail(f"{settings.model} cannot be loaded: {error.detail}")
        return
    except Exception:
        logger.exception("cannot load %s", settings.model)
        state.fail(f"{settings.model} cannot be loaded: unexpected error, the log has it")
        return
    fields: dict[str, object] = {
        "model": str(model.version),
        "sha256": model.version.sha256,
        "engine": model.engine.name,
        "device": model.engine.device,
        "precision": model.engine.precision,
        "threads": model.engine.threads,
        "streams": model.engine.streams,
        "seconds": round(time.perf_counter() - started, 2),
    }
    logger.info("model loaded: %s", model.selection.reason, extra={"fields": fields})


def _read(store: ModelStore, settings: Settings) -> tuple[LoadedModel, ArchitectureSummary]:
    """Blocks."""
    model = load_model(store, settings.model, settings)
    text = (model.version.path / ARCHITECTURE).read_bytes()
    return model, ArchitectureSummary.from_json(text, f"{model.version}/{ARCHITECTURE}")


async def _close(state: State, executor: ThreadPoolExecutor, resources: Resources) -> None:
    """Frees the model and ends the threads, unless that takes too long.

    The loop goes on meanwhile: a thread with a picture in windows gets what it waits for through it.
    """
    served, state.served = state.served, None
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            if served is not None:
                await served.segmenter.close()
            await asyncio.get_running_loop().run_in_executor(executor, resources.close)
    except TimeoutError:
        logger.warning("the engine does not end; leaving it")
    executor.shutdown(wait=False)
