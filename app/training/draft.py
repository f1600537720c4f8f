"""What a run says of itself in the manifest of a version."""

from collections.abc import Mapping, Sequence

from app.nn.config import UNetXceptionConfig
from app.store.manifest import Credit, DataSummary, LabelEntry, ManifestDraft, Preprocessing
from app.store.scores import SplitMetrics
from app.training.code_version import code_commit, installed_packages
from app.training.evaluation.pictures import PictureResult
from app.training.evaluation.reference import reference_distribution
from app.training.evaluation.scoring import SplitResults
from app.training.run import Run
from app.training.sources.samples import DataSource


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
    counts = {"training": data.training, "validation": data.validation}
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
            "training": config.model_dump(mode="json"),
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
