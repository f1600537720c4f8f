"""From a published version to one that computes with 8-bit integers."""

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.core.architecture import ARCHITECTURE
from app.core.errors import ConfigurationError, TrainingError
from app.imaging.geometry import resize_picture
from app.imaging.windows import View, middle_window
from app.inference.cpus import available_cpus
from app.inference.engine import OPENVINO_FILE
from app.inference.openvino_engine import OpenVinoEngine
from app.inference.openvino_runtime import import_openvino, openvino_core
from app.store.manifest import Manifest, ManifestDraft
from app.store.publish import publish_version
from app.store.repository import ModelStore, ModelVersion
from app.store.scores import SplitMetrics
from app.training.code_version import installed_packages
from app.training.dataset import read_picture
from app.training.evaluation.pictures import Array
from app.training.evaluation.prediction import Predict
from app.training.evaluation.scoring import SplitResults, markdown, score_split, table
from app.training.sources.samples import TEST, VALIDATION, DataSource, Sample, labelled_for_training

CALIBRATION_PICTURES = 300
DECIDING_PICTURES = 120
"""Where the data has no list `validation`."""
MOST_LOSS = 0.005
"""A version whose mean IoU falls by more is refused."""

XML, BIN, CARD = OPENVINO_FILE, "openvino/model.bin", "MODEL_CARD.md"


@dataclass(frozen=True)
class Quantised:
    """What became of a version.

    Args:
        version: the new one.
        float32, int8: mean IoU of the two on the pictures that decide.
        metrics: scores of the new one, by split.
    """

    version: ModelVersion
    float32: float
    int8: float
    metrics: dict[str, SplitMetrics]


def quantise_version(reference: str, source: DataSource, store: ModelStore, name: str | None = None) -> Quantised:
    """Quantises a version after training, sees what that costs, scores and publishes it.

    The ranges of activations are taken from training pictures. What it costs is seen on the list `validation`, where
    the data has one, else on training pictures; both versions are asked, so that it does not matter who has seen them.

    Args:
        reference: NAME[:VERSION|ALIAS] of a float32 version with files for OpenVINO.
        source: data with its classes.
        store: where it is, and where to.
        name: of the new version's model; None: the same one.

    Raises:
        TrainingError: it cannot be quantised, the data has other classes, or too much is lost: nothing is published.
        ConfigurationError: NNCF or OpenVINO is not installed.
        DataError, ModelNotFoundError, CorruptVersionError, PublishError: as they say.
    """
    version = store.resolve(reference)
    manifest = store.verify(version)
    _require_possible(version, manifest, source)
    view = View(manifest.preprocessing.size, manifest.preprocessing.resize)
    labelled = labelled_for_training(source)
    known = _spread(labelled, CALIBRATION_PICTURES)
    others = [sample for sample in labelled if sample not in known] or known
    deciding = source.samples(VALIDATION) if VALIDATION in source.splits else _spread(others, DECIDING_PICTURES)
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary, "model.xml")
        write_int8(version.path / XML, file, [_seen(sample, view) for sample in known])
        engine = OpenVinoEngine(version.path / XML, view.size, "float32", available_cpus())
        before = _iou(engine.infer, source, deciding, view)
        engine.close()
        engine = OpenVinoEngine(file, view.size, "float32", available_cpus())
        try:
            after = _iou(engine.infer, source, deciding, view)
            if before - after > MOST_LOSS:
                raise TrainingError(
                    f"int8 costs {before - after:.4f} mean IoU ({before:.4f} to {after:.4f}, "
                    f"{len(deciding)} pictures), more than {MOST_LOSS}: nothing was published"
                )
            results = {
                split: score_split(engine.infer, source, source.samples(split), view)
                for split in (VALIDATION, TEST)
                if split in source.splits
            }
        finally:
            engine.close()
        draft = _draft(version, manifest, results, source, len(known))
        card = int8_card(version, draft, (before, after), len(deciding))
        files: dict[str, Path | bytes] = {XML: file, BIN: file.with_suffix(".bin"), CARD: card.encode()}
        files[ARCHITECTURE] = version.path / ARCHITECTURE
        if CARD in manifest.files:
            files[CARD] = f"{card}\n---\n\n{(version.path / CARD).read_text('utf-8')}".encode()
        published = publish_version(store, name or version.name, draft, files)
    return Quantised(published, before, after, draft.metrics)


def write_int8(network: Path, file: Path, pictures: Sequence[Array]) -> None:
    """Quantises an OpenVINO network: weights and activations of its convolutions become 8-bit integers.

    Weights take 7 of the 8 bits: CPUs without VNNI add products in 16 bits, which would overflow.

    Args:
        network: `model.xml`, float32.
        file: where to write the new one; its weights go beside it.
        pictures: (h, w, 3) uint8 RGB as the network sees them; they tell the ranges of activations.

    Raises:
        ConfigurationError: NNCF or OpenVINO is not installed.
    """
    openvino, nncf = import_openvino(), _import_nncf()
    dataset = nncf.Dataset(pictures, lambda picture: picture[np.newaxis].astype(np.float32))
    quantised = nncf.quantize(
        openvino_core().read_model(network),
        dataset,
        preset=nncf.QuantizationPreset.MIXED,
        target_device=nncf.TargetDevice.CPU,
        subset_size=len(pictures),
        advanced_parameters=nncf.AdvancedQuantizationParameters(overflow_fix=nncf.OverflowFix.ENABLE),
    )
    openvino.save_model(quantised, file, compress_to_fp16=False)


def int8_card(version: ModelVersion, draft: ManifestDraft, iou: tuple[float, float], pictures: int) -> str:
    """The model card: what it was made from, and what that cost."""
    height, width = draft.preprocessing.size
    before, after = iou
    compared = markdown(["precision", "mean IoU"], [["float32", f"{before:.4f}"], ["int8", f"{after:.4f}"]])
    sections = [
        f"# {version.name}: U-Net Xception, int8",
        f"`{version}` with the weights and activations of its convolutions as 8-bit integers, quantised after training "
        f"by `segserve quantize` (NNCF); input {height}×{width} RGB 0–255. It runs on the OpenVINO engine only. Data, "
        f"limits and licence are those of `{version}`, whose card follows.",
        "## What it costs",
        f"On the same {pictures} pictures:",
        compared,
        "## Quality",
        table(draft.metrics) if draft.metrics else "Not scored: the data has no list `validation` or `test`.",
    ]
    return "\n\n".join(sections) + "\n"


def _require_possible(version: ModelVersion, manifest: Manifest, source: DataSource) -> None:
    if manifest.precision != "float32":
        raise TrainingError(f"{version} is {manifest.precision} already: quantise the version that it was made from")
    if XML not in manifest.files:
        raise TrainingError(f"{version} has no {XML}: publish its run again with OpenVINO installed")
    ours, theirs = ([label.name for label in labels] for labels in (manifest.label_map, source.labels))
    if ours != theirs:
        raise TrainingError(f"{version} has the classes {', '.join(ours)}, the data has {', '.join(theirs)}")


def _import_nncf() -> Any:
    try:
        import nncf
    except ImportError as error:
        raise ConfigurationError("NNCF is not installed: `pip install segserve[quantize]`") from error
    logging.getLogger("nncf").setLevel(logging.WARNING)
    return nncf


def _spread(samples: Sequence[Sample], most: int) -> list[Sample]:
    """At most so many of the pictures, evenly spread."""
    return list(samples[:: -(-len(samples) // most)])


def _seen(sample: Sample, view: View) -> Array:
    """A picture, or its middle window, as the network sees it: (h, w, 3) uint8."""
    pixels = read_picture(sample.picture)
    if view.in_windows:
        return middle_window(pixels, view.size)
    return resize_picture(pixels, view.geometry((pixels.shape[0], pixels.shape[1])))


def _iou(predict: Predict, source: DataSource, samples: Sequence[Sample], view: View) -> float:
    results = score_split(predict, source, samples, view)
    return results.metrics(source.labels).mean_iou


def _draft(
    version: ModelVersion,
    manifest: Manifest,
    results: dict[str, SplitResults],
    source: DataSource,
    pictures: int,
) -> ManifestDraft:
    """The manifest of the version that was quantised, with what is new."""
    metrics: dict[str, SplitMetrics] = {}
    for split, result in results.items():
        metrics |= result.by_mask_kind(split, source.labels)
    made = {"from": str(version), "sha256": version.sha256, "calibration_pictures": pictures}
    inherited = {name: getattr(manifest, name) for name in ManifestDraft.model_fields}
    return ManifestDraft.model_validate(
        inherited
        | {
            "precision": "int8",
            "training": {**manifest.training, "quantisation": made},
            "metrics": metrics,
            "packages": installed_packages(),
        }
    )
