"""A model that answers, and who is using it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from app.core.architecture import ARCHITECTURE, ArchitectureSummary
from app.core.settings import Settings
from app.inference.loaded import LoadedModel, load_model
from app.inference.segmenter import Resources, Segmenter
from app.store.repository import ModelStore, ModelVersion


class ServedModel:
    """A warm model and the explanation of its network; freed when those that use it have finished.

    Args:
        segmenter: it answers.
        architecture: what `GET /model/architecture` shows.
        load_seconds: how long it took to verify, load and warm it.

    Attributes:
        leaving: whether it takes no more requests.
    """

    def __init__(self, segmenter: Segmenter, architecture: ArchitectureSummary, load_seconds: float) -> None:
        self.segmenter = segmenter
        self.architecture = architecture
        self.load_seconds = load_seconds
        self.leaving = False
        self._users = 0
        self._unused = asyncio.Event()
        self._unused.set()

    @property
    def model(self) -> LoadedModel:
        """The version in memory."""
        return self.segmenter.model

    @contextmanager
    def used(self) -> Iterator["ServedModel"]:
        """Keeps it from being freed while the block runs."""
        self._users += 1
        self._unused.clear()
        try:
            yield self
        finally:
            self._users -= 1
            if not self._users:
                self._unused.set()

    async def close(self) -> None:
        """Frees it once nobody uses it; nobody may begin to any more."""
        await self._unused.wait()
        await self.segmenter.close()


Loaded = tuple[LoadedModel, ArchitectureSummary]


def read_model(store: ModelStore, version: ModelVersion, settings: Settings) -> Loaded:
    """Verifies, loads and warms a version; blocks, for seconds.

    Raises:
        ModelNotFoundError, CorruptVersionError, ConfigurationError: as `load_model`.
    """
    model = load_model(store, f"{version.name}:{version.version}", settings)
    text = (model.version.path / ARCHITECTURE).read_bytes()
    return model, ArchitectureSummary.from_json(text, f"{model.version}/{ARCHITECTURE}")


def serve_model(loaded: Loaded, settings: Settings, resources: Resources, load_seconds: float) -> ServedModel:
    """Puts a loaded model, and how long that took, behind a scheduler of its own; in the event loop."""
    model, architecture = loaded
    return ServedModel(Segmenter(model, settings, resources), architecture, load_seconds)
