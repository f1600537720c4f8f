"""How far scores depend on which pictures were drawn: percentile bootstrap over pictures, paired for two networks.

Source: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.core.labels import LabelMap
from app.training.evaluation.boundary import boundary_f_scores
from app.training.evaluation.pictures import PictureResult, measured, object_ids

Array = np.ndarray[Any, np.dtype[Any]]

DRAWS = 2000
PERCENTILES = (2.5, 97.5)
"""Of a 95 % interval."""


@dataclass(frozen=True)
class Interval:
    """A score with its 95 % interval; None where no pixel allows it.

    Args:
        measure: which score.
        value: over all the pictures.
        low: lower end.
        high: upper end.
    """

    measure: str
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Difference:
    """Score of one network less that of another on the same pictures, with its 95 % interval.

    Args:
        measure: which score.
        value: over all the pictures.
        low: lower end.
        high: upper end.
        above_zero: share of the draws in which the difference is above zero, 0–1.
    """

    measure: str
    value: float | None
    low: float | None
    high: float | None
    above_zero: float | None

    @property
    def decided(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def bootstrap_intervals(
    results: Sequence[PictureResult], labels: LabelMap, draws: int = DRAWS, seed: int = 0
) -> tuple[Interval, ...]:
    """Interval of each measure, from draws of as many pictures, with replacement.

    Args:
        results: N pictures.
        labels: the classes.
        draws: how many.
        seed: determines them.
    """
    counts = _counts(results, labels)
    scores = _scores(_weights(len(results), draws, seed) @ counts, len(labels))
    values = _scores(counts.sum(axis=0, keepdims=True), len(labels))[0]
    return tuple(
        Interval(name, measured(value), *_percentiles(column))
        for name, value, column in zip(measures(labels), values, scores.T, strict=True)
    )


def paired_differences(
    first: Sequence[PictureResult],
    second: Sequence[PictureResult],
    labels: LabelMap,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[Difference, ...]:
    """Interval of `first` less `second`, each draw the same pictures for both: what both find hard cancels out.

    Raises:
        ValueError: results of different pictures.
    """
    if [result.sample for result in first] != [result.sample for result in second]:
        raise ValueError("paired differences need results of the same pictures in the same order")
    weights = _weights(len(first), draws, seed)
    counts = [_counts(results, labels) for results in (first, second)]
    drawn = [_scores(weights @ each, len(labels)) for each in counts]
    whole = [_scores(each.sum(axis=0, keepdims=True), len(labels))[0] for each in counts]
    return tuple(
        Difference(name, measured(value), *_percentiles(column), above_zero=_share_above_zero(column))
        for name, value, column in zip(measures(labels), whole[0] - whole[1], (drawn[0] - drawn[1]).T, strict=True)
    )


def measures(labels: LabelMap) -> list[str]:
    """Names of the measures, as the tables call them."""
    classes = [f"IoU {label.name}" for label in labels]
    return ["mean IoU", *classes, "foreground + border IoU", "pixel accuracy", "boundary F-score"]


def _weights(pictures: int, draws: int, seed: int) -> Array:
    """How often each picture is drawn, (draws, N)."""
    return np.random.default_rng(seed).multinomial(pictures, np.full(pictures, 1 / pictures), size=draws)


def _counts(results: Sequence[PictureResult], labels: LabelMap) -> Array:
    """All that the measures need of each picture, (N, 7 C + 2): what adds up when pictures are put together."""
    matrices = np.stack([result.matrix for result in results])  # (N, C, C)
    merged = np.isin(np.arange(len(labels)), object_ids(labels))
    both = matrices[:, merged][:, :, merged].sum(axis=(1, 2))
    either = matrices[:, merged].sum(axis=(1, 2)) + matrices[:, :, merged].sum(axis=(1, 2)) - both
    return np.concatenate(
        [
            np.diagonal(matrices, axis1=1, axis2=2),
            matrices.sum(axis=2),
            matrices.sum(axis=1),
            np.stack([result.boundary.reshape(-1) for result in results]),
            np.stack([both, either], axis=1),
        ],
        axis=1,
    ).astype(float)


def _scores(counts: Array, classes: int) -> Array:
    """Measures of summed counts, (D, 7 C + 2) → (D, C + 4); NaN where there is nothing to count."""
    right, true, predicted = (counts[:, part * classes : (part + 1) * classes] for part in range(3))
    boundary = counts[:, 3 * classes : 7 * classes].reshape(-1, 4, classes)
    iou = _ratio(right, true + predicted - right)
    accuracy = _ratio(right.sum(axis=1), true.sum(axis=1))
    merged = _ratio(counts[:, -2], counts[:, -1])
    return np.column_stack([_mean(iou), iou, merged, accuracy, _mean(boundary_f_scores(boundary))])


def _ratio(part: Array, whole: Array) -> Array:
    ratio: Array = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return ratio


def _mean(scores: Array) -> Array:
    """Mean over the classes that have a score, (D, C) → (D,)."""
    return _ratio(np.nansum(scores, axis=1), np.isfinite(scores).sum(axis=1))


def _percentiles(drawn: Array) -> tuple[float | None, float | None]:
    finite = drawn[np.isfinite(drawn)]
    if not len(finite):
        return None, None
    low, high = np.percentile(finite, PERCENTILES)
    return float(low), float(high)


def _share_above_zero(drawn: Array) -> float | None:
    finite = drawn[np.isfinite(drawn)]
    return float((finite > 0).mean()) if len(finite) else None
