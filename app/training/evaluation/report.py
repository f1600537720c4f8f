"""Everything that an evaluation found, as data: what the page shows and `report.json` holds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import TypeAdapter

from app.core.labels import LabelMap
from app.imaging.geometry import ResizeRule
from app.nn.metrics import iou_per_class, mean_iou, pixel_accuracy
from app.store.scores import SplitMetrics
from app.training.evaluation.bootstrap import Difference, Interval, bootstrap_intervals, paired_differences
from app.training.evaluation.boundary import boundary_f_scores, boundary_precision, boundary_recall
from app.training.evaluation.calibration import ReliabilityBin, reliability_bins
from app.training.evaluation.candidate import Candidate
from app.training.evaluation.pictures import Array, PictureResult, measured
from app.training.evaluation.scoring import SplitResults
from app.training.sources.samples import DataSource, Sample


@dataclass(frozen=True)
class BoundaryScore:
    """How well the contours of a class were found, 0–1; None without any.

    Args:
        precision: share of the predicted contour that is right.
        recall: share of the true contour that was found.
        f_score: harmonic mean of the two.
    """

    precision: float | None
    recall: float | None
    f_score: float | None


@dataclass(frozen=True)
class PictureScore:
    """Scores of one picture by itself.

    Args:
        name: of the picture.
        source: where it comes from.
        mask_kind: how its mask was made.
        stratum: what kind of picture it is.
        mean_iou: over the classes that are there or predicted.
        iou: by class name; None for a class that is neither there nor predicted.
        pixel_accuracy: share of pixels with the right class.
        cross_entropy: mean over pixels, nats.
    """

    name: str
    source: str
    mask_kind: str
    stratum: str
    mean_iou: float
    iou: dict[str, float | None]
    pixel_accuracy: float
    cross_entropy: float


@dataclass(frozen=True)
class Comparison:
    """Another network on the same pictures.

    Args:
        network: its name and input size.
        metrics: its scores.
        differences: of the evaluated network less this one.
    """

    network: str
    metrics: SplitMetrics
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class Report:
    """All numbers of an evaluation.

    Args:
        network: name and input size.
        size: (h, w) of the network's input.
        resize: how a picture becomes that size.
        tile: side of the windows that it was shown, in pixels of the picture; None: whole pictures.
        split: list of the pictures.
        metrics: by split and, where there are several, by kind of mask.
        by_source: by source of the pictures; empty where all are of one.
        by_kind: by the first part of their stratum, such as the species; empty where all are of one.
        intervals: 95 % intervals of the scores without flip, as are all that follow.
        boundary: by class name.
        confusion: pixel counts, rows truth, columns prediction, in the order of `classes`.
        classes: their names.
        reliability: bins of the winning probability.
        pictures: each by itself.
        comparison: with another network, if asked for.
    """

    network: str
    size: tuple[int, int]
    resize: ResizeRule
    tile: int | None
    split: str
    metrics: dict[str, SplitMetrics]
    by_source: dict[str, SplitMetrics]
    by_kind: dict[str, SplitMetrics]
    intervals: tuple[Interval, ...]
    boundary: dict[str, BoundaryScore]
    confusion: tuple[tuple[int, ...], ...]
    classes: tuple[str, ...]
    reliability: tuple[ReliabilityBin, ...]
    pictures: tuple[PictureScore, ...]
    comparison: Comparison | None

    @property
    def whole(self) -> SplitMetrics:
        """Scores over all the pictures."""
        return self.metrics[self.split]

    def to_json(self) -> bytes:
        """As indented JSON, UTF-8."""
        return _REPORT.dump_json(self, indent=2) + b"\n"


_REPORT = TypeAdapter(Report)


def make_report(
    source: DataSource,
    split: str,
    scored: tuple[Candidate, SplitResults],
    against: tuple[Candidate, SplitResults] | None = None,
) -> Report:
    """Puts the results of a network's pictures together, and compares them with another's.

    Args:
        source: of the pictures.
        split: list of the pictures.
        scored: the network and its results.
        against: another network, and its results on the same pictures.
    """
    candidate, results = scored
    labels, plain = source.labels, results.plain
    matrix = np.sum([result.matrix for result in plain], axis=0)
    return Report(
        network=candidate.title,
        size=candidate.view.size,
        resize=candidate.view.rule,
        tile=candidate.view.tile,
        split=split,
        metrics=results.by_mask_kind(split, labels),
        by_source=results.by(lambda sample: sample.source or "unnamed", labels),
        by_kind=results.by(lambda sample: kind_of(sample, source), labels),
        intervals=bootstrap_intervals(plain, labels),
        boundary=_boundary(plain, labels),
        confusion=tuple(map(tuple, matrix.tolist())),
        classes=tuple(label.name for label in labels),
        reliability=reliability_bins(np.sum([result.calibration for result in plain], axis=0)),
        pictures=tuple(picture_score(result, labels) for result in plain),
        comparison=_comparison(results, against, labels) if against else None,
    )


def kind_of(sample: Sample, source: DataSource) -> str:
    """The first part of a picture's stratum, such as its species, by the name that the data source has for it."""
    first = sample.stratum.split(" ")[0]
    names: dict[str, str] = getattr(source, "kinds", {})  # only some layouts number them
    return names.get(first, first) or "unnamed"


def picture_score(result: PictureResult, labels: LabelMap) -> PictureScore:
    """Scores of one picture by itself."""
    sample, matrix = result.sample, result.matrix
    return PictureScore(
        name=sample.name,
        source=sample.source,
        mask_kind=sample.mask_kind,
        stratum=sample.stratum,
        mean_iou=mean_iou(matrix),
        iou={label.name: measured(score) for label, score in zip(labels, iou_per_class(matrix), strict=True)},
        pixel_accuracy=pixel_accuracy(matrix),
        cross_entropy=result.cross_entropy / int(matrix.sum()),
    )


def _boundary(results: Sequence[PictureResult], labels: LabelMap) -> dict[str, BoundaryScore]:
    counts: Array = np.sum([result.boundary for result in results], axis=0)
    scores = zip(boundary_precision(counts), boundary_recall(counts), boundary_f_scores(counts), strict=True)
    return {label.name: BoundaryScore(*map(measured, each)) for label, each in zip(labels, scores, strict=True)}


def _comparison(results: SplitResults, against: tuple[Candidate, SplitResults], labels: LabelMap) -> Comparison:
    other, theirs = against
    differences = paired_differences(results.plain, theirs.plain, labels)
    return Comparison(other.title, theirs.metrics(labels), differences)
