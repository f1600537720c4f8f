"""The versions in memory: how they come, how they are used, and how they go."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from app.core.errors import (
    ConfigurationError,
    CorruptVersionError,
    ModelInUseError,
    ModelNotLoadedError,
    ModelNotReadyError,
    ModelUnusableError,
    PoolFullError,
    SegserveError,
)
from app.core.settings import Settings
from app.inference.budget import PixelBudget
from app.inference.segmenter import Resources
from app.inference.served import ServedModel, read_model, serve_model
from app.inference.workers import PixelWorkers
from app.store.names import PRODUCTION, parse_reference, shown
from app.store.repository import ModelStore, ModelVersion

logger = logging.getLogger(__name__)

RETRY_SECONDS = 60.0
"""A version that could not be loaded is not tried again for so long by `follow`; a file may have been mended."""


class ModelPool:
    """The default model and others that were asked for; all of it belongs to one event loop.

    A version takes traffic only when it is verified and warm. One that is replaced or unloaded finishes its work, then
    its memory is freed. One that cannot be loaded changes nothing.

    Args:
        store: where the versions lie.
        settings: `model` says which is the default, `max_models` how many are held.
    """

    def __init__(self, store: ModelStore, settings: Settings) -> None:
        self.default: ServedModel | None = None
        self.failures: dict[ModelVersion, str] = {}
        self.store = store
        self._settings = settings
        self._resources = Resources.of(settings)
        self._kept: OrderedDict[ModelVersion, ServedModel] = OrderedDict()  # the least recently used one first
        self._loads: dict[ModelVersion, asyncio.Task[ServedModel]] = {}
        self._leaving: dict[asyncio.Task[None], ServedModel] = {}
        self._failed_at: dict[ModelVersion, float] = {}
        self._switching = asyncio.Lock()
        # a thread of its own, that nobody waits for at the end: a load cannot be interrupted
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")

    @property
    def models(self) -> list[ServedModel]:
        """Those that take requests, the default one first."""
        default = [] if self.default is None else [self.default]
        return default + [served for served in self._kept.values() if served is not self.default]

    @property
    def budget(self) -> PixelBudget:
        """The bound on the pixels that are worked on."""
        return self._resources.budget

    @property
    def workers(self) -> PixelWorkers:
        """The threads for work on pixels."""
        return self._resources.workers

    def stuck_seconds(self) -> float:
        """The longest time that pictures of a model have been in flight without one being finished."""
        models = [*self.models, *self._leaving.values()]
        return max((served.segmenter.scheduler.stuck_seconds() for served in models), default=0.0)

    def require_decoders(self) -> None:
        """Passes while a thread is left to decode pictures.

        Raises:
            DecodersStalledError: none is.
        """
        self._resources.workers.require_some()

    @asynccontextmanager
    async def using(self, reference: str | None = None) -> AsyncIterator[ServedModel]:
        """The model that a request means; it stays while the block runs.

        Args:
            reference: NAME[:VERSION|ALIAS]; None: the default one.

        Raises:
            ModelNotReadyError: there is none yet.
            ModelNotFoundError: the store has no such model.
            ModelNotLoadedError: it is not in memory, and requests load none.
            ModelUnusableError, PoolFullError: as `load`.
        """
        served = self.default if reference is None else await self._named(reference)
        if served is None:
            raise ModelNotReadyError("the model is loading")
        with served.used():
            yield served

    async def follow(self) -> ServedModel | None:
        """Makes what `settings.model` means now the default, if it is another version than before.

        Returns:
            the new default; None where nothing has changed, or where the version has failed a short while ago.

        Raises:
            ModelUnusableError: the version cannot be loaded; the default stays.
            ModelNotFoundError, StoreUnavailableError: there is none, or it cannot be read; the default stays.
        """
        async with self._switching:
            version = await asyncio.to_thread(self.store.resolve, self._settings.model)
            if self.default is not None and self.default.model.version == version:
                return None
            if time.monotonic() - self._failed_at.get(version, -RETRY_SECONDS) < RETRY_SECONDS:
                return None
            return self._make_default(await self._warm(version))

    async def activate(self, version: ModelVersion, alias: str, expected: int | None) -> ServedModel | None:
        """Points an alias at a version, for all who read the store; a version that cannot be used is left alone.

        Args:
            version: it is verified first, and made warm if the alias is the one of the default model.
            alias: of its model.
            expected: the version that the alias must point at now; 0: there must be no such alias; None: whatever.

        Returns:
            the new default; None if the alias is another one.

        Raises:
            AliasConflictError, InvalidParameterError: as `ModelStore.set_alias`.
            ModelUnusableError: the version cannot be loaded.
        """
        default = parse_reference(self._settings.model)
        async with self._switching:
            if (version.name, alias) != (default.name, default.selector or PRODUCTION):
                await self._verify(version)
                await asyncio.to_thread(self.store.set_alias, version.name, alias, version.version, expected)
                return None
            served = await self._warm(version)
            try:
                await asyncio.to_thread(self.store.set_alias, version.name, alias, version.version, expected)
            except BaseException:
                if served not in self.models:
                    self._retire(served)
                raise
            return self._make_default(served)

    async def load(self, version: ModelVersion) -> ServedModel:
        """Brings a version into memory; it stays until it is unloaded, or gives way to others that are asked for.

        Raises:
            PoolFullError: there is room for the default model alone.
            ModelUnusableError: it cannot be loaded.
        """
        if self._settings.max_models == 1:
            raise PoolFullError("max_models is 1: there is room for the default model alone")
        served = await self._warm(version, keep=True)
        if version not in self._kept:
            self._keep(served)
        return served

    def unload(self, name: str, version: int) -> None:
        """Takes a version that was asked for out of memory, once it has finished its work.

        Raises:
            ModelInUseError: it is the default one.
            ModelNotLoadedError: it is not there.
        """
        there = [served for served in self.models if _is(served, name, version)]
        if not there:
            raise ModelNotLoadedError(f"version {version} of {shown(name)} is not loaded")
        if self.default in there:
            raise ModelInUseError(f"{name}/{version} is the default model: activate another version first")
        self._retire(self._kept.pop(there[0].model.version))

    async def close(self) -> None:
        """Finishes what was accepted, frees all models and ends the threads."""
        models, self.default = self.models, None
        self._kept.clear()
        for served in models:
            self._retire(served)
        await asyncio.gather(*self._leaving)
        await asyncio.to_thread(self._resources.close)

    def abandon(self) -> None:
        """Lets go of the thread that loads, whatever it is doing."""
        self._thread.shutdown(wait=False)

    async def _named(self, reference: str) -> ServedModel:
        version = await asyncio.to_thread(self.store.resolve, reference)
        while (served := self._found(version)) is None:
            if not self._settings.load_on_request:
                there = ", ".join(str(served.model.version) for served in self.models) or "none yet"
                raise ModelNotLoadedError(f"{version} is in the store but not loaded; loaded: {there}")
            await self.load(version)
        if version in self._kept:
            self._kept.move_to_end(version)
        return served

    def _found(self, version: ModelVersion) -> ServedModel | None:
        return next((served for served in self.models if served.model.version == version), None)

    async def _warm(self, version: ModelVersion, *, keep: bool = False) -> ServedModel:
        """The version, from memory or newly loaded; those who ask for the same one at a time load it once."""
        while (served := self._found(version)) is None:
            if version not in self._loads:
                task = asyncio.create_task(self._load(version, keep))
                self._loads[version] = task
                task.add_done_callback(lambda done: self._loads.pop(version))
            served = await asyncio.shield(self._loads[version])
            if not served.leaving:  # else it was unloaded as soon as it was there
                return served
        return served

    async def _load(self, version: ModelVersion, keep: bool) -> ServedModel:
        """In a task of its own: who asked may have gone when it is done."""
        started = time.perf_counter()
        loop = asyncio.get_running_loop()
        try:
            loaded = await loop.run_in_executor(self._thread, read_model, self.store, version, self._settings)
        except (ConfigurationError, CorruptVersionError) as error:
            raise self._failure(version, error.detail) from error
        except SegserveError:  # of the store, not of the version
            raise
        except Exception as error:
            logger.exception("cannot load %s", version)
            raise self._failure(version, "unexpected error, the log has it") from error
        self.failures.pop(version, None)
        self._failed_at.pop(version, None)
        served = serve_model(loaded, self._settings, self._resources, time.perf_counter() - started)
        _log_loaded(served)
        if keep:
            self._keep(served)
        return served

    async def _verify(self, version: ModelVersion) -> None:
        try:
            await asyncio.to_thread(self.store.verify, version)
        except CorruptVersionError as error:
            raise self._failure(version, error.detail) from error

    def _failure(self, version: ModelVersion, reason: str) -> ModelUnusableError:
        self.failures[version] = reason
        self._failed_at[version] = time.monotonic()
        return ModelUnusableError(f"{version} cannot be loaded: {reason}")

    def _make_default(self, served: ServedModel) -> ServedModel:
        before, self.default = self.default, served
        if before is not None and before is not served and before.model.version not in self._kept:
            self._retire(before)
        self._make_room()
        return served

    def _keep(self, served: ServedModel) -> None:
        self._kept[served.model.version] = served
        self._make_room()

    def _make_room(self) -> None:
        """Lets go of the least recently used ones beyond `max_models`."""
        for served in list(self._kept.values()):
            if len(self.models) <= self._settings.max_models:
                return
            if served is not self.default:
                logger.info("%s gives way", served.model.version)
                self._retire(self._kept.pop(served.model.version))

    def _retire(self, served: ServedModel) -> None:
        served.leaving = True
        task = asyncio.create_task(self._free(served))
        self._leaving[task] = served
        task.add_done_callback(self._leaving.pop)

    async def _free(self, served: ServedModel) -> None:
        await served.close()
        logger.info("%s is unloaded", served.model.version)


def _is(served: ServedModel, name: str, version: int) -> bool:
    return (served.model.version.name, served.model.version.version) == (name, version)


def _log_loaded(served: ServedModel) -> None:
    model = served.model
    fields: dict[str, object] = {
        "model": str(model.version),
        "sha256": model.version.sha256,
        "engine": model.engine.name,
        "device": model.engine.device,
        "precision": model.engine.precision,
        "threads": model.engine.threads,
        "streams": model.engine.streams,
        "seconds": round(served.load_seconds, 2),
    }
    logger.info("model loaded: %s", model.selection.reason, extra={"fields": fields})
