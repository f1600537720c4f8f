"""What a run says of itself in the manifest of a version."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.nn.config import UNetXceptionConfig
from app.store.manifest import Credit, DataSummary, LabelEntry, ManifestDraft, Preprocessing
from app.store.scores import SplitMetrics
from app.training.code_version import code_commit, installed_packages
from app.training.evaluation.pictures import PictureResult
from app.training.evaluation.reference import reference_distribution
from app.training.evaluation.scoring import SplitResults
from app.training.run import Run
from app.training.sources.samples import DataSource, Sample, labelled_for_training
from app.training.training_set import trained_samples


def make_draft(
    run: Run,
    source: DataSource,
    architecture: UNetXceptionConfig,
    temperature: float,
    results: Mapping[str, SplitResults],
    reference: Sequence[PictureResult],
) -> ManifestDraft:
    """The manifest, but for what publishing fills in.

    Args:
        run: the run.
        source: its data.
        architecture: of the network that is published.
        temperature: what its logits were divided by.
        results: by split.
        reference: pictures that stand for the data.
    """
    config, data = run.config(), run.data()
    trained = trained_samples(labelled_for_training(source), config, run.validation() or [])
    counts = {"training": data.training, **_by_kind(trained), "validation": data.validation}
    counts |= {split: len(result.plain) for split, result in results.items()}
    metrics: dict[str, SplitMetrics] = {}
    for split, result in results.items():
        metrics |= result.by_mask_kind(split, source.labels)
    return ManifestDraft.model_validate(
        {
            "labels": tuple(LabelEntry.of(label) for label in source.labels),
            "preprocessing": Preprocessing(size=architecture.input_size, resize=config.resize),
            "precision": "float32",
            "architecture": architecture.to_dict(),
            "training": _configuration(run),
            "data": DataSummary(
                fingerprint=data.fingerprint,
                pictures=counts,
                credits=tuple(Credit(name=c.name, authors=c.authors, license=c.licence) for c in source.credits),
            ),
            "reference": reference_distribution(reference, source.labels),
            "metrics": metrics,
            "packages": installed_packages(),
            "source": code_commit(),
            "temperature": temperature,
        }
    )


def _by_kind(samples: Sequence[Sample]) -> dict[str, int]:
    """Number of training pictures by where they come from and how their masks were made, where that differs."""
    kinds = Counter((sample.source or "other", sample.mask_kind or "other") for sample in samples)
    if len(kinds) == 1:
        return {}
    return {f"training ({source}, masks: {kind})": count for (source, kind), count in sorted(kinds.items())}


def _configuration(run: Run) -> dict[str, Any]:
    """The run's configuration as JSON and, where it began with another run that is still there, that one's.

    Folders are named without the path to them, which is nobody's business.
    """
    values = run.config().model_dump(mode="json")
    if init := values["init"]:
        values["init"] = Path(init).name
        if Path(init).is_dir():
            values["init_training"] = _configuration(Run(Path(init)))
    return values
