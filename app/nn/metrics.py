"""Scores of masks, all from one confusion matrix over the data set."""

from typing import Any

import numpy as np

from app.core.labels import UNDECIDED

Array = np.ndarray[Any, np.dtype[Any]]


def confusion_matrix(truth: Array, predicted: Array, classes: int) -> Array:
    """Pixel counts, (C, C) int64, rows truth, columns prediction; truth 255 is left out.

    Args:
        truth: (H, W) uint8, class ids or 255.
        predicted: (H, W) uint8, class ids.
        classes: C.
    """
    counted = truth != UNDECIDED
    pairs = truth[counted].astype(np.int64) * classes + predicted[counted]
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def iou_per_class(matrix: Array) -> Array:
    """Intersection over union, (C,) float; NaN for a class that is neither in truth nor in prediction."""
    intersection = np.diag(matrix).astype(float)
    union = matrix.sum(axis=0) + matrix.sum(axis=1) - intersection
    scores: Array = np.divide(intersection, union, out=np.full(len(matrix), np.nan), where=union > 0)
    return scores


def dice_per_class(matrix: Array) -> Array:
    """Dice coefficient (F1), (C,) float; NaN for a class that is neither in truth nor in prediction."""
    total = matrix.sum(axis=0) + matrix.sum(axis=1)
    scores: Array = np.divide(2.0 * np.diag(matrix), total, out=np.full(len(matrix), np.nan), where=total > 0)
    return scores


def mean_iou(matrix: Array) -> float:
    """Mean of the classes' IoU; NaN when no pixel was counted."""
    scores = iou_per_class(matrix)
    return float(np.nanmean(scores)) if np.isfinite(scores).any() else float("nan")


def pixel_accuracy(matrix: Array) -> float:
    """Share of counted pixels whose class is right; NaN when no pixel was counted."""
    total = matrix.sum()
    return float(np.diag(matrix).sum() / total) if total else float("nan")


def merged_iou(matrix: Array, merged: tuple[int, ...]) -> float:
    """IoU of several classes taken as one against the rest, such as pet and border; NaN without such pixels."""
    inside = np.isin(np.arange(len(matrix)), merged)
    intersection = matrix[np.ix_(inside, inside)].sum()
    union = matrix[inside].sum() + matrix[:, inside].sum() - intersection
    return float(intersection / union) if union else float("nan")
