"""A network to be scored: that of a run, or a published model, at its own or another input size."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.core.errors import TrainingError
from app.core.labels import LabelMap
from app.core.settings import load_settings
from app.imaging.geometry import ResizeRule
from app.imaging.windows import View
from app.inference.engine import KERAS_FILE
from app.inference.loaded import load_model
from app.nn.config import UNetXceptionConfig
from app.nn.rewrite import inference_graph
from app.store.repository import ModelStore
from app.training.evaluation.prediction import Predict
from app.training.export import load_network
from app.training.run import Run
from app.training.sources.samples import VALIDATION, DataSource, Sample, labelled_for_training


@dataclass(frozen=True)
class Candidate:
    """A network and how pictures get into it.

    Args:
        name: folder of its run, or `pets:3`.
        predict: the network.
        view: how it is shown pictures.
        run: the run that it is of; None for a published model.
    """

    name: str
    predict: Predict
    view: View
    run: Run | None

    @property
    def title(self) -> str:
        """Name and input size."""
        height, width = self.view.size
        tiles = f" in windows of {self.view.tile}" if self.view.tile else ""
        return f"{self.name} at {height}×{width}{tiles}"


def open_candidate(
    what: str, labels: LabelMap, store: ModelStore, size: int | None, last: bool, tile: int | None = None
) -> Candidate:
    """Loads the network of a run or of a published version.

    Args:
        what: folder of a run, else NAME[:VERSION|ALIAS].
        labels: classes of the data that it will be scored on.
        store: where models are.
        size: side of the input; None: its own.
        last: the network at the end of the run, not the one that validated best.
        tile: as in `View`.

    Raises:
        TrainingError: a size that does not fit, windows of a network that has its own, other classes, `last` of a
            model, or the run has no network.
        ModelNotFoundError, CorruptVersionError: no such version, or a damaged one.
    """
    if Path(what).is_dir():
        return _of_run(Run(Path(what)), len(labels), size, last, tile)
    if "/" in what:
        raise TrainingError(f"{what}: there is no folder of a run; a model is NAME, NAME:VERSION or NAME:ALIAS")
    if last:
        raise TrainingError(f"--last is for runs; {what} is a published model")
    return _of_version(what, labels, store, size, tile)


def _of_run(run: Run, classes: int, size: int | None, last: bool, tile: int | None) -> Candidate:
    config = run.config()
    _require_tiles(config.resize, tile)
    try:
        architecture = config.architecture(classes, size)
    except ValueError as error:
        raise TrainingError(str(error)) from error
    predict = _graph(run.last_network if last else run.best_network, architecture)
    return Candidate(str(run.folder), predict, View(architecture.input_size, config.resize, tile), run)


def _of_version(reference: str, labels: LabelMap, store: ModelStore, size: int | None, tile: int | None) -> Candidate:
    version = store.resolve(reference)
    manifest = store.manifest(version)
    ours, theirs = ([label.name for label in classes] for classes in (manifest.label_map, labels))
    if ours != theirs:
        raise TrainingError(f"{reference} has the classes {', '.join(ours)}, the data has {', '.join(theirs)}")
    name, preprocessing = f"{version.name}:{version.version}", manifest.preprocessing
    _require_tiles(preprocessing.resize, tile)
    if size is None:
        loaded = load_model(store, name, load_settings(model_store=store.root))
        return Candidate(name, loaded.engine.infer, loaded.view(tile), None)
    store.verify(version)
    try:
        architecture = replace(UNetXceptionConfig.from_dict(manifest.architecture), input_size=(size, size))
    except ValueError as error:
        raise TrainingError(str(error)) from error
    predict = _graph(version.path / KERAS_FILE, architecture)
    return Candidate(name, predict, View(architecture.input_size, preprocessing.resize, tile), None)


def _require_tiles(rule: ResizeRule, tile: int | None) -> None:
    if rule == "crop" and tile is not None:
        raise TrainingError("--tile: this network sees windows of its own size")


def _graph(file: Path, architecture: UNetXceptionConfig) -> Predict:
    predict: Predict = inference_graph(load_network(file, architecture), architecture).predict_on_batch
    return predict


def chosen_pictures(split: str, source: DataSource, candidates: Sequence[Candidate]) -> list[Sample]:
    """The pictures of a list; `validation`: those that the first run among the candidates kept apart, if there is one.

    Raises:
        DataError: no such list.
        TrainingError: the run has kept no pictures apart, or the data does not have them any more.
    """
    run = next((candidate.run for candidate in candidates if candidate.run is not None), None)
    if split != VALIDATION or run is None:
        return source.samples(split)
    samples = validation_samples(run, source)
    if not samples:
        raise TrainingError(f"{run.folder} kept no pictures apart for validation; name another list with --split")
    return samples


def validation_samples(run: Run, source: DataSource) -> list[Sample]:
    """The pictures that a run was validated on; none where it trained on all.

    Raises:
        TrainingError: the run has not chosen any yet, or the data does not have them any more.
    """
    listed = run.validation()
    names = set(listed or [])
    found = [sample for sample in labelled_for_training(source) if sample.name in names]
    if listed is None or len(found) != len(names):
        raise TrainingError(f"{run.folder}: the data does not have all validation pictures of this run")
    return found


def trained_on(run: Run, source: DataSource, samples: Sequence[Sample]) -> list[Sample]:
    """Those of the pictures that a run may have been trained on."""
    names = {sample.name for sample in labelled_for_training(source)} - set(run.validation() or [])
    return [sample for sample in samples if sample.name in names]
