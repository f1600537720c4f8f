"""What the service is doing and what it has in hand; one object for the life of an application."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Annotated, Literal

from fastapi import Depends, Request

from app.api.access import AccessRecord
from app.api.admission import Admission
from app.api.fetching.fetcher import Fetcher
from app.api.label_studio.connections import Connections
from app.api.live_metrics import LiveMetrics
from app.api.metrics import Metrics
from app.api.tracing import Trace, Tracing
from app.core.errors import EngineStalledError, ModelNotReadyError
from app.core.settings import Settings
from app.inference.pool import ModelPool
from app.inference.served import ServedModel
from app.store.repository import ModelStore

logger = logging.getLogger(__name__)

Phase = Literal["loading", "ready", "failed", "draining"]

LOADING_PATIENCE_SECONDS = 10.0
"""Longest wait of a request for the first model; a gateway waits longer for an answer (the shipped one 30 s)."""


@dataclass
class State:
    """State of a service.

    Args:
        settings: as given at start.
        pool: the models in memory.
        admission: bound on work in flight.
        metrics: counters and histograms.
        tracing: of its requests.
        phase: `loading` until the model is warm, `draining` once the service goes down, `failed` if it cannot load.
        reason: why it is not ready, safe to show; empty when it is.
    """

    settings: Settings
    pool: ModelPool
    admission: Admission
    metrics: Metrics = field(default_factory=Metrics)
    tracing: Tracing = field(default_factory=Tracing)
    phase: Phase = "loading"
    reason: str = "the model is loading"
    fetcher: Fetcher = field(init=False)
    connections: Connections = field(init=False)
    _past_loading: asyncio.Event = field(default_factory=asyncio.Event, init=False, repr=False)

    def __post_init__(self) -> None:
        """What it has in hand can be scraped.

        Raises:
            ConfigurationError: a host or network of the settings is none.
        """
        self.fetcher = Fetcher(self.settings)
        self.connections = Connections(self.settings)
        self.metrics.registry.register(LiveMetrics(self))

    @property
    def store(self) -> ModelStore:
        """Where the models lie."""
        return self.pool.store

    @property
    def draining(self) -> bool:
        """Whether the service is going down."""
        return self.phase == "draining"

    async def follow(self) -> None:
        """Loads what `settings.model` means, if that is another version than the one that answers.

        Raises:
            SegserveError: the store or the version cannot be read; the model that answers stays.
        """
        self.take(await self.pool.follow())

    def take(self, served: ServedModel | None) -> None:
        """Notes that there is a new default model, if there is one."""
        if served is not None and self.phase == "loading":
            self._enter("ready", "")

    def fail(self, reason: str) -> None:
        """Notes that the model cannot be loaded: the service is of no use, whoever runs it should end it."""
        if self.phase == "loading":
            self._enter("failed", reason)

    def drain(self) -> None:
        """Stops being ready, but goes on answering."""
        self._enter("draining", "the service is going down")

    def require_ready(self) -> ServedModel:
        """The default model, while new work is welcome.

        Raises:
            ModelNotReadyError: loading, failed or draining; it says which.
        """
        if self.phase != "ready" or self.pool.default is None:
            raise ModelNotReadyError(self.reason)
        return self.pool.default

    def require_alive(self) -> None:
        """Passes unless only a restart helps.

        Raises:
            EngineStalledError: pictures wait, and none was finished for `watchdog_seconds`.
            DecodersStalledError: every thread that decodes is stuck with a picture.
        """
        self.pool.require_decoders()
        seconds = self.pool.stuck_seconds()
        if seconds >= self.settings.watchdog_seconds:
            raise EngineStalledError(f"the engine has not finished a picture for {seconds:.0f} seconds")

    @asynccontextmanager
    async def using(self, reference: str | None = None) -> AsyncIterator[ServedModel]:
        """The model that a request means, also while draining; it stays while the block runs.

        While the first one loads, this waits for it a while: a gateway that does not ask whether a replica is ready
        sends requests as soon as it listens, and a moment later they can be answered.

        Args:
            reference: NAME[:VERSION|ALIAS]; None: the default one.

        Raises:
            ModelNotReadyError: none is loaded yet.
            SegserveError: as `ModelPool.using`.
        """
        if self.phase == "loading":
            with suppress(TimeoutError):
                async with asyncio.timeout(LOADING_PATIENCE_SECONDS):
                    await self._past_loading.wait()
        if self.pool.default is None:
            raise ModelNotReadyError(self.reason)
        async with self.pool.using(reference) as served:
            yield served

    def _enter(self, phase: Phase, reason: str) -> None:
        self.phase = phase
        self.reason = reason
        self._past_loading.set()
        logger.info("%s%s", phase, f": {reason}" if reason else "")


# Dependencies that are no coroutines FastAPI calls in another thread: a millisecond each on a busy machine.


async def _state(request: Request) -> State:
    state = request.state.service
    assert isinstance(state, State)
    return state


async def _record(request: Request) -> AccessRecord:
    record = request.state.record
    assert isinstance(record, AccessRecord)
    return record


async def _trace(request: Request) -> Trace:
    trace = request.state.trace
    assert isinstance(trace, Trace)
    return trace


StateDependency = Annotated[State, Depends(_state)]
RecordDependency = Annotated[AccessRecord, Depends(_record)]
TraceDependency = Annotated[Trace, Depends(_trace)]
