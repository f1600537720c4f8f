"""Life of the application: the model loads behind the open listener, follows the store, and is freed at the end."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TypedDict

from app.api.state import State
from app.core.errors import SegserveError

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
    """Loads the model in the background, keeps to what the store says, and frees it at the end."""
    loading = asyncio.create_task(_load(state), name=LOADING)
    following = asyncio.create_task(_follow(state, loading))
    try:
        yield {"service": state}
    finally:
        for task in (loading, following):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await _close(state)
        state.tracing.close()


async def _load(state: State) -> None:
    model = state.settings.model
    try:
        await state.follow()
    except SegserveError as error:
        logger.error("cannot serve %s: %s", model, error.detail)
        state.fail(f"{model} cannot be served: {error.detail}")
    except Exception:
        logger.exception("cannot serve %s", model)
        state.fail(f"{model} cannot be served: unexpected error, the log has it")


async def _follow(state: State, loading: "asyncio.Task[None]") -> None:
    """Looks again and again what the default model is; what stays wrong is logged once."""
    seconds, said = state.settings.poll_seconds, ""
    await loading
    while seconds:
        await asyncio.sleep(seconds)
        try:
            await state.follow()
            said = ""
        except SegserveError as error:
            if error.detail != said:
                logger.warning("%s stays as it is: %s", state.settings.model, error.detail)
            said = error.detail
        except Exception:
            logger.exception("cannot follow %s", state.settings.model)


async def _close(state: State) -> None:
    """Frees the models and ends the threads, unless that takes too long.

    The loop goes on meanwhile: a thread with a picture in windows gets what it waits for through it.
    """
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await state.pool.close()
    except TimeoutError:
        logger.warning("the engine does not end; leaving it")
    state.pool.abandon()
