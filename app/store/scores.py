"""Measured quality and reference distributions as a manifest keeps them."""

from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from app.core.records import Record

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Scores(Record):
    """Quality over a set of pictures, each mask scored at its own size, counts summed over the set.

    Args:
        mean_iou: mean of the classes' IoU.
        iou: by class name; None for a class that is neither there nor predicted.
        dice: by class name, as `iou`.
        pixel_accuracy: share of pixels with the right class.
        foreground_iou: IoU of foreground and border together against the rest.
        cross_entropy: mean over pixels, nats.
        boundary_f_score: mean over the classes of the F-score of their contours, within 0.75 % of the diagonal.
        expected_calibration_error: of the winning probability, in 15 bins.
    """

    mean_iou: Share
    iou: dict[str, Share | None]
    dice: dict[str, Share | None] = Field(default_factory=dict)
    pixel_accuracy: Share | None = None
    foreground_iou: Share | None = None
    cross_entropy: Annotated[float, Field(ge=0.0)] | None = None
    boundary_f_score: Share | None = None
    expected_calibration_error: Share | None = None


class SplitMetrics(Scores):
    """Scores of one split.

    Args:
        pictures: how many were scored.
        flip: the same with flip averaging, or None where not measured.
    """

    pictures: Annotated[int, Field(ge=1)]
    flip: Scores | None = None


class Histogram(Record):
    """Counts between edges.

    Args:
        edges: n + 1 rising bounds of the bins.
        counts: n numbers of values.
    """

    edges: tuple[float, ...]
    counts: tuple[Annotated[int, Field(ge=0)], ...]

    @model_validator(mode="after")
    def _shape(self) -> Self:
        if not self.counts or len(self.edges) != len(self.counts) + 1:
            raise ValueError("a histogram has one more edge than counts, and at least one count")
        if not all(low < high for low, high in pairwise(self.edges)):
            raise ValueError("the edges of a histogram rise")
        return self


class ReferenceDistribution(Record):
    """What the model saw on its own data; drift is measured against it.

    Args:
        brightness: mean grey value of a picture, 0–1.
        confidence: mean winning probability of a picture, 0–1.
        class_share: by class name: share of a picture's pixels, 0–1.
    """

    brightness: Histogram
    confidence: Histogram
    class_share: dict[str, Histogram]
