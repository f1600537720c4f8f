"""From a finished run to a version in the model store."""

import importlib.metadata
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.core.errors import TrainingError
from app.imaging.geometry import Geometry, resize_picture
from app.store.manifest import Credit, DataSummary, LabelEntry, ManifestDraft, Preprocessing
from app.store.publish import publish_version
from app.store.repository import ModelStore, ModelVersion
from app.store.scores import SplitMetrics
from app.training.config import TrainingConfig
from app.training.dataset import read_sample
from app.training.evaluation.pictures import Array
from app.training.evaluation.reference import reference_distribution
from app.training.evaluation.scoring import SplitResults, score_split
from app.training.export import export_network, load_network, require_parity
from app.training.model_card import model_card
from app.training.run import Run
from app.training.sources.samples import DataSource, Sample

PARITY_PICTURES = 32
PACKAGES = ("keras", "numpy", "openvino", "pillow", "tensorflow")


@dataclass(frozen=True)
class Published:
    """What became of a run.

    Args:
        version: in the store.
        differences: largest difference in probability from the Keras network, by form.
    """

    version: ModelVersion
    differences: dict[str, float]


def publish_run(
    run: Run, source: DataSource, store: ModelStore, name: str, size: int | None = None, last: bool = False
) -> Published:
    """Exports, checks, scores and publishes the network of a run.

    The network is scored on the run's validation pictures and, where the data has a list `test`, on that.

    Args:
        run: the run.
        source: the data that it was trained on.
        store: where to.
        name: of the model.
        size: side of the network's input when serving; None: as in training.
        last: the network at the end of the run, in place of the one with the best validation score.

    Raises:
        TrainingError: the run has no network, or the size does not fit it.
        DataError: a picture or mask cannot be read.
        PublishError: the forms of the network differ, or the store cannot be written.
    """
    config = run.config()
    try:
        architecture = config.architecture(len(source.labels), size)
    except ValueError as error:
        raise TrainingError(str(error)) from error
    network = load_network(run.last_network if last else run.best_network, architecture)
    validation = validation_samples(run, source)
    sides = architecture.input_size
    with tempfile.TemporaryDirectory() as temporary:
        exported = export_network(network, architecture, Path(temporary))
        pictures = _pictures(source, validation[:PARITY_PICTURES], sides, config)
        differences = require_parity(exported, pictures)
        results = {"validation": score_split(exported.serving, source, validation, sides, config.resize)}
        if "test" in source.splits:
            test = source.samples("test")
            results["test"] = score_split(exported.serving, source, test, sides, config.resize)
        draft = _draft(run, source, config, sides, architecture.to_dict(), results)
        card = model_card(name, draft, differences, network.count_params(), run.machine())
        version = publish_version(store, name, draft, {**exported.files, "MODEL_CARD.md": card.encode()})
    return Published(version, differences)


def validation_samples(run: Run, source: DataSource) -> list[Sample]:
    """The pictures that a run was validated on.

    Raises:
        TrainingError: the run has none yet, or the data does not have them any more.
    """
    names = set(run.validation() or [])
    found = [sample for sample in source.samples("trainval") if sample.name in names]
    if not names or len(found) != len(names):
        raise TrainingError(f"{run.folder}: the data does not have all validation pictures of this run")
    return found


def _pictures(source: DataSource, samples: list[Sample], size: tuple[int, int], config: TrainingConfig) -> Array:
    pixels = [read_sample(source, sample)[0] for sample in samples]
    resized = [resize_picture(p, Geometry((p.shape[0], p.shape[1]), size, config.resize)) for p in pixels]
    return np.stack(resized).astype(np.float32)


def _draft(
    run: Run,
    source: DataSource,
    config: TrainingConfig,
    size: tuple[int, int],
    architecture: dict[str, object],
    results: dict[str, SplitResults],
) -> ManifestDraft:
    data = run.data()
    counts = {"training": data["training"], "validation": data["validation"]}
    counts |= {split: len(result.plain) for split, result in results.items()}
    metrics: dict[str, SplitMetrics] = {}
    for split, result in results.items():
        metrics |= result.by_mask_kind(split, source.labels)
    return ManifestDraft.model_validate(
        {
            "labels": tuple(LabelEntry.of(label) for label in source.labels),
            "preprocessing": Preprocessing(size=size, resize=config.resize),
            "precision": "float32",
            "architecture": architecture,
            "training": config.model_dump(mode="json"),
            "data": DataSummary(
                fingerprint=data["fingerprint"],
                pictures=counts,
                credits=tuple(Credit(name=c.name, authors=c.authors, license=c.licence) for c in source.credits),
            ),
            "reference": reference_distribution(results["validation"].plain, source.labels),
            "metrics": metrics,
            "packages": _installed(),
            "source": _commit(),
        }
    )


def _installed() -> dict[str, str]:
    """Versions of the packages that the numbers depend on, as far as they are installed."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _commit() -> str | None:
    """Git commit of this code, or None outside of a checkout."""
    here = Path(__file__).parent
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()
