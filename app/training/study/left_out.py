"""Scores of the pictures together, and what they would be without each: how much hangs on the choice of pictures."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.nn.metrics import mean_iou

Array = np.ndarray[Any, np.dtype[Any]]


def left_out_scores(matrices: Array) -> Array:
    """Mean IoU of all pictures but each one, (N,) float.

    Args:
        matrices: (N, C, C) int64, confusion matrix of each picture; N ≥ 2.
    """
    rest = matrices.sum(axis=0) - matrices
    return np.array([mean_iou(matrix) for matrix in rest])


def mean_height(steps: Sequence[float], values: Array) -> Array:
    """Mean of curves over the gradient steps, from the first validation to the last (trapezoids).

    Args:
        steps: V of them, rising.
        values: (V, …) float.

    Returns:
        (…) float; the value itself where there was one validation only.
    """
    if len(steps) == 1:
        return np.asarray(values[0])
    return np.asarray(np.average((values[1:] + values[:-1]) / 2, axis=0, weights=np.diff(steps)))
