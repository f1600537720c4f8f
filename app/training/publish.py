"""From a finished run to a version in the model store."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from app.core.errors import TrainingError
from app.imaging.windows import View, middle_window
from app.inference.engine import KERAS_FILE
from app.nn.config import UNetXceptionConfig
from app.nn.rewrite import inference_graph
from app.store.manifest import Preprocessing
from app.store.publish import publish_version
from app.store.repository import ModelStore, ModelVersion
from app.store.scores import Scores, SplitMetrics
from app.training.dataset import read_picture
from app.training.draft import make_draft
from app.training.evaluation.candidate import validation_samples
from app.training.evaluation.pictures import Array, evaluate_pictures, total_scores
from app.training.evaluation.prediction import fitted
from app.training.evaluation.scoring import score_split
from app.training.evaluation.temperature import fit_temperature
from app.training.export import divide_logits, export_network, load_network, require_parity, weights_checksum
from app.training.model_card import model_card
from app.training.run import Run
from app.training.runs import network_step
from app.training.sources.samples import TEST, VALIDATION, DataSource, Sample, labelled_for_training

PARITY_PICTURES = 32
REFERENCE_PICTURES = 200
"""Training pictures that stand for the data where no others are left."""


@dataclass(frozen=True)
class Published:
    """What became of a run.

    Args:
        version: in the store.
        metrics: its scores, by split and kind of mask.
        differences: largest difference in probability from the Keras network, by form.
    """

    version: ModelVersion
    metrics: dict[str, SplitMetrics]
    differences: dict[str, float]


def publish_run(
    run: Run,
    source: DataSource,
    store: ModelStore,
    name: str,
    size: int | None = None,
    last: bool = False,
    temperature: float | None = None,
) -> Published:
    """Exports, calibrates, checks, scores and publishes the network of a run.

    It is calibrated on the run's validation pictures, then scored on them and, where the data has a list `test`, on
    that. Where the run has no validation pictures, its probabilities stay as they are, unless a temperature is given.

    Args:
        run: the run.
        source: the data that it was trained on.
        store: where to.
        name: of the model.
        size: side of the network's input when serving; None: as in training.
        last: the network at the end of the run, in place of the one with the best validation score.
        temperature: what to divide the logits by; None: what suits the validation pictures best.

    Raises:
        TrainingError: the run has no network, the size does not fit it, or a version holds the same network already.
        DataError: a picture or mask cannot be read.
        PublishError: the forms of the network differ, or the store cannot be written.
    """
    config = run.config()
    try:
        architecture = config.architecture(len(source.labels), size)
    except ValueError as error:
        raise TrainingError(str(error)) from error
    network = load_network(run.last_network if last else run.best_network, architecture)
    view = View(architecture.input_size, config.resize)
    splits = _splits(run, source)
    known = next(iter(splits.values()), None) or _spread(labelled_for_training(source), REFERENCE_PICTURES)
    temperature, before = _calibrate(network, architecture, source, splits.get(VALIDATION, []), view, temperature)
    with tempfile.TemporaryDirectory() as temporary:
        exported = export_network(network, architecture, Path(temporary))
        _require_new(store, name, exported.files[KERAS_FILE], Preprocessing(size=view.size, resize=view.rule))
        differences = require_parity(exported, _inputs(known[:PARITY_PICTURES], view))
        results = {split: score_split(exported.serving, source, listed, view) for split, listed in splits.items()}
        plain = next((each.plain for each in results.values()), None)
        plain = plain or evaluate_pictures(exported.serving, source, known, view)
        draft = make_draft(run, source, architecture, temperature, results, plain)
        card = model_card(
            name, draft, differences, network.count_params(), run.machine(), before, network_step(run, last)
        )
        version = publish_version(store, name, draft, {**exported.files, "MODEL_CARD.md": card.encode()})
    return Published(version, draft.metrics, differences)


def _splits(run: Run, source: DataSource) -> dict[str, list[Sample]]:
    """The pictures to score on: those that the run kept apart, if it did, and the list `test`, if there is one."""
    listed = {VALIDATION: validation_samples(run, source)}
    if TEST in source.splits:
        listed[TEST] = source.samples(TEST)
    return {split: samples for split, samples in listed.items() if samples}


def _calibrate(
    network: keras.Model,
    architecture: UNetXceptionConfig,
    source: DataSource,
    validation: Sequence[Sample],
    view: View,
    temperature: float | None,
) -> tuple[float, Scores | None]:
    """Divides the network's logits by a temperature; gives it, and the scores on the validation pictures before."""
    predict = inference_graph(network, architecture).predict_on_batch
    before = None
    if validation:
        before = total_scores(evaluate_pictures(predict, source, validation, view), source.labels)
    if temperature is None:
        temperature = fit_temperature(predict, source, validation, view) if validation else 1.0
    divide_logits(network, temperature)
    return temperature, before


def _require_new(store: ModelStore, name: str, keras_file: Path, preprocessing: Preprocessing) -> None:
    """Sees to it that no version of the model is this network at this size.

    Raises:
        TrainingError: one is; it is named.
    """
    weights = weights_checksum(keras_file)
    for number in store.versions(name) if store.folder(name).is_dir() else ():
        version = store.resolve(f"{name}:{number}")
        if weights_checksum(version.path / KERAS_FILE) != weights:
            continue
        if store.manifest(version).preprocessing == preprocessing:
            raise TrainingError(f"{name}:{number} is this very network already; nothing was published")


def _spread(samples: Sequence[Sample], most: int) -> list[Sample]:
    """At most so many of the pictures, evenly spread."""
    return list(samples[:: -(-len(samples) // most)])


def _inputs(samples: Sequence[Sample], view: View) -> Array:
    """Pictures as the network sees them, or the middle window of each: (N, h, w, 3) float32."""
    pictures = [read_picture(sample.picture) for sample in samples]
    if view.in_windows:
        return np.stack([middle_window(picture, view.size) for picture in pictures]).astype(np.float32)
    return np.stack(fitted(pictures, view)[1]).astype(np.float32)
