"""What the service is doing and what it has in hand; one object for the life of an application."""

import logging
from dataclasses import dataclass, field
from typing import Annotated, Literal

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from app.api.access import AccessRecord
from app.api.admission import Admission
from app.api.metrics import Metrics
from app.core.architecture import ArchitectureSummary
from app.core.errors import EngineStalledError, ModelNotLoadedError, ModelNotReadyError
from app.core.settings import Settings
from app.inference.loaded import LoadedModel
from app.inference.segmenter import Segmenter
from app.store.repository import ModelStore

logger = logging.getLogger(__name__)

Phase = Literal["loading", "ready", "failed", "draining"]


@dataclass(frozen=True)
class ServedModel:
    """A warm model and the explanation of its network.

    Args:
        segmenter: it answers.
        architecture: what `GET /model/architecture` shows.
    """

    segmenter: Segmenter
    architecture: ArchitectureSummary

    @property
    def model(self) -> LoadedModel:
        """The version in memory."""
        return self.segmenter.model


@dataclass
class State:
    """State of a service.

    Args:
        settings: as given at start.
        store: where the models lie.
        admission: bound on work in flight.
        metrics: counters and histograms.
        phase: `loading` until the model is warm, `draining` once the service goes down, `failed` if it cannot load.
        reason: why it is not ready, safe to show; empty when it is.
        served: the model that answers; None before it is warm.
    """

    settings: Settings
    store: ModelStore
    admission: Admission
    metrics: Metrics = field(default_factory=Metrics)
    phase: Phase = "loading"
    reason: str = "the model is loading"
    served: ServedModel | None = None

    @property
    def draining(self) -> bool:
        """Whether the service is going down."""
        return self.phase == "draining"

    def take(self, served: ServedModel) -> None:
        """Puts a warm model into service."""
        self.served = served
        self.metrics.loaded(served.model)
        if self.phase == "loading":
            self._enter("ready", "")

    def fail(self, reason: str) -> None:
        """Notes that the model cannot be loaded: the service is of no use, whoever runs it should end it."""
        if self.phase == "loading":
            self._enter("failed", reason)

    def drain(self) -> None:
        """Stops being ready, but goes on answering."""
        self._enter("draining", "the service is going down")

    def require_ready(self) -> ServedModel:
        """The model that answers, while new work is welcome.

        Raises:
            ModelNotReadyError: loading, failed or draining; it says which.
        """
        if self.phase != "ready" or self.served is None:
            raise ModelNotReadyError(self.reason)
        return self.served

    def require_alive(self) -> None:
        """Passes unless only a restart helps.

        Raises:
            EngineStalledError: pictures wait, and none was finished for `watchdog_seconds`.
        """
        seconds = 0.0 if self.served is None else self.served.segmenter.scheduler.stuck_seconds()
        if seconds >= self.settings.watchdog_seconds:
            raise EngineStalledError(f"the engine has not finished a picture for {seconds:.0f} seconds")

    async def serving(self, reference: str | None = None) -> ServedModel:
        """The model that a request means; also while draining.

        Args:
            reference: NAME[:VERSION|ALIAS]; None: whichever is loaded.

        Raises:
            ModelNotReadyError: none is loaded yet.
            ModelNotFoundError: the store has no such model.
            ModelNotLoadedError: it is not the loaded one.
        """
        if self.served is None:
            raise ModelNotReadyError(self.reason)
        if reference is not None:
            asked = await run_in_threadpool(self.store.resolve, reference)
            there = self.served.model.version
            if (asked.name, asked.version) != (there.name, there.version):
                raise ModelNotLoadedError(f"{asked} is in the store but not loaded; {there} is")
        return self.served

    def _enter(self, phase: Phase, reason: str) -> None:
        self.phase = phase
        self.reason = reason
        self.metrics.ready(phase == "ready")
        logger.info("%s%s", phase, f": {reason}" if reason else "")


def _state(request: Request) -> State:
    state = request.state.service
    assert isinstance(state, State)
    return state


def _record(request: Request) -> AccessRecord:
    record = request.state.record
    assert isinstance(record, AccessRecord)
    return record


StateDependency = Annotated[State, Depends(_state)]
RecordDependency = Annotated[AccessRecord, Depends(_record)]
