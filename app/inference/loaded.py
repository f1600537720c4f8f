"""A model version in memory, and how it gets there."""

import logging
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.core.errors import CorruptVersionError, InferenceError, SegserveError
from app.core.labels import LabelMap
from app.core.settings import Settings, load_settings
from app.imaging.geometry import resize_picture
from app.imaging.masks import class_ids
from app.imaging.probabilities import ProbabilityMap, ResizedProbabilities, WindowedProbabilities
from app.imaging.windows import Infer, View, infer_windows
from app.inference.cpus import available_cpus
from app.inference.engine import KERAS_FILE, OPENVINO_FILE, Engine, infer_batch, infer_picture
from app.inference.priority import behind_others
from app.inference.selection import EngineSelection, choose_engine
from app.store.manifest import Manifest
from app.store.repository import ModelStore, ModelVersion

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelIdentity:
    """Which model made an answer, and how it was computed.

    Args:
        name: name in the store.
        version: its version.
        sha256: checksum of the manifest, hexadecimal; it pins every file.
        engine: `openvino` or `tensorflow`.
        precision: `f32`, `bf16` or `int8`.
    """

    name: str
    version: int
    sha256: str
    engine: str
    precision: str

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"

    @property
    def header(self) -> str:
        """Value of the `Segserve-Model` header: `pets/3; sha256=…; engine=openvino; precision=f32`."""
        return f"{self}; sha256={self.sha256}; engine={self.engine}; precision={self.precision}"


@dataclass(frozen=True)
class LoadedModel:
    """A verified, warmed-up version.

    Args:
        version: where it lies in the store.
        manifest: what its manifest says.
        engine: the network, ready to compute.
        selection: which engine was chosen, and why.
    """

    version: ModelVersion
    manifest: Manifest
    engine: Engine
    selection: EngineSelection

    @property
    def identity(self) -> ModelIdentity:
        """What answers carry."""
        quantised = self.manifest.precision == "int8"
        precision = "int8" if quantised else {"float32": "f32", "bfloat16": "bf16"}[self.engine.precision]
        version = self.version
        return ModelIdentity(version.name, version.version, version.sha256, self.engine.name, precision)

    @cached_property
    def labels(self) -> LabelMap:
        """The classes."""
        return self.manifest.label_map

    def view(self, tile: int | None = None) -> View:
        """How the network is shown pictures; `tile` as in `View`."""
        preprocessing = self.manifest.preprocessing
        return View(preprocessing.size, preprocessing.resize, tile)

    def predict(self, pixels: NDArray[np.uint8], tile: int | None = None) -> ProbabilityMap:
        """Class probabilities of one picture; blocks.

        Args:
            pixels: (H, W, 3) uint8 RGB.
            tile: side of windows, in pixels, for pictures that are longer; None: the network sees the whole picture.

        Raises:
            InferenceError: the engine failed on this picture; where it sees windows, later: when they are asked for.
        """
        size, view = (pixels.shape[0], pixels.shape[1]), self.view(tile)
        if view.window(size) is not None:
            return self.in_windows(pixels, view, lambda images: map(partial(infer_picture, self.engine), images))
        geometry = view.geometry(size)
        return ResizedProbabilities(infer_picture(self.engine, resize_picture(pixels, geometry)), geometry)

    def in_windows(self, pixels: NDArray[np.uint8], view: View, infer: Infer) -> WindowedProbabilities:
        """Class probabilities of a picture (H, W, 3) uint8 RGB; `infer` is shown windows of it as they are needed."""
        rows = partial(infer_windows, pixels, view, infer)
        return WindowedProbabilities((pixels.shape[0], pixels.shape[1]), len(self.labels), rows)

    def segment(self, pixels: NDArray[np.uint8], tile: int | None = None) -> NDArray[np.uint8]:
        """Class ids of one picture at its own size, as `POST /segment` answers them; blocks.

        Args:
            pixels: (H, W, 3) uint8 RGB.
            tile: as for `predict`.

        Returns:
            (H, W) uint8.

        Raises:
            InferenceError: the engine failed on this picture.
        """
        return class_ids(self.predict(pixels, tile), self.labels)

    def close(self) -> None:
        """Frees the network; no call may follow."""
        self.engine.close()


def open_model(reference: str, model_store: Path | str = "model_store") -> LoadedModel:
    """Loads a published model, for notebooks and scripts.

    Args:
        reference: NAME[:VERSION|ALIAS].
        model_store: folder of the models.

    Raises:
        ModelNotFoundError, CorruptVersionError, ConfigurationError: as `load_model`.

    Example:
        >>> model = open_model("pets")  # doctest: +SKIP
        >>> mask = model.segment(pixels)  # doctest: +SKIP
    """
    return load_model(ModelStore(Path(model_store)), reference, load_settings(model_store=model_store))


def load_model(store: ModelStore, reference: str, settings: Settings) -> LoadedModel:
    """Verifies every file of a version, then loads and warms it; blocks, for seconds.

    Args:
        store: where to look.
        reference: NAME[:VERSION|ALIAS].
        settings: `engine`, `device`, `precision`, `threads`, `streams` and `engine_nice` count.

    Raises:
        ModelNotFoundError: there is no such version.
        CorruptVersionError: a file differs from the manifest (found before any is parsed), or the network does.
        ConfigurationError: engine, device or precision cannot be had.
    """
    version = store.resolve(reference)
    manifest = store.verify(version)
    selection = choose_engine(settings, manifest.files)
    if selection.unused_gpus:
        logger.warning("%s", selection.reason)
    nice = settings.engine_nice if selection.engine == "openvino" else 0  # Keras holds the interpreter's lock meanwhile
    return behind_others(nice, partial(_warm, version, manifest, selection, settings))


def _warm(version: ModelVersion, manifest: Manifest, selection: EngineSelection, settings: Settings) -> LoadedModel:
    """The version with its engine, which has computed."""
    engine = _open_engine(version, manifest, selection, settings)
    model = LoadedModel(version, manifest, engine, selection)
    try:
        _warm_up(model)
    except Exception:
        engine.close()
        raise
    return model


def _open_engine(version: ModelVersion, manifest: Manifest, selection: EngineSelection, settings: Settings) -> Engine:
    """The chosen engine with the version's network."""
    threads = settings.threads or available_cpus()
    try:
        if selection.engine == "openvino":
            from app.inference.openvino_engine import OpenVinoEngine

            file = version.path / OPENVINO_FILE
            return OpenVinoEngine(file, manifest.preprocessing.size, settings.precision, threads, settings.streams)
        from app.inference.tensorflow_engine import TensorFlowEngine
        from app.nn.config import UNetXceptionConfig

        config = UNetXceptionConfig.from_dict(manifest.architecture)
        return TensorFlowEngine(version.path / KERAS_FILE, config, selection.device, threads, settings.streams)
    except SegserveError:
        raise
    except Exception as error:
        raise CorruptVersionError(f"{version}: the {selection.engine} engine cannot read its file") from error


def _warm_up(model: LoadedModel) -> None:
    """Runs black pictures of every batch size, as often as there may be calls: no request pays for first-time work.

    Raises:
        CorruptVersionError: the network fails, or gives another size or number of classes than the manifest says.
    """
    size = model.manifest.preprocessing.size
    try:
        for batch_size in model.engine.batch_sizes:
            for _ in range(model.engine.calls):
                probabilities = infer_batch(model.engine, np.zeros((batch_size, *size, 3), np.uint8))
    except InferenceError as error:
        raise CorruptVersionError(f"{model.version} cannot be warmed up: {error.detail}") from error
    given, expected = probabilities.shape[1:], (*size, len(model.labels))
    if given != expected:
        raise CorruptVersionError(f"{model.version}: the network gives {given}, the manifest says {expected}")
