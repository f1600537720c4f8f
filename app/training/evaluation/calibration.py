"""Calibration: does a class that wins with probability 0.8 turn out right in 80 % of the pixels?

Source: C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural networks", ICML 2017, section 2.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

BINS = 15
"""Of equal width, from 0 to 1; a bin holds its upper edge, not its lower one."""


@dataclass(frozen=True)
class ReliabilityBin:
    """Pixels whose winning probability lies in one bin.

    Args:
        low: lower edge, 0–1.
        high: upper edge, 0–1.
        pixels: how many.
        confidence: their mean winning probability, 0–1; None without pixels.
        accuracy: share of them whose class is right, 0–1; None without pixels.
    """

    low: float
    high: float
    pixels: int
    confidence: float | None
    accuracy: float | None


def calibration_counts(confidence: Array, right: Array) -> Array:
    """What pixels add to the bins.

    Args:
        confidence: (N,) float, winning probability, 0–1.
        right: (N,) bool, whether the winning class is the true one.

    Returns:
        (3, 15) float64: pixels, sum of their confidence, pixels that are right.
    """
    index = np.clip(np.ceil(confidence * BINS).astype(np.intp) - 1, 0, BINS - 1)
    return np.stack([np.bincount(index, weights, minlength=BINS) for weights in (None, confidence, right)]).astype(
        float
    )


def expected_calibration_error(counts: Array) -> float:
    """Mean over pixels of the gap between confidence and accuracy of their bin, 0–1; NaN without pixels.

    Args:
        counts: (3, 15), a sum of what `calibration_counts` gives.
    """
    pixels, confidence, right = counts
    return float(np.abs(confidence - right).sum() / pixels.sum()) if pixels.any() else float("nan")


def reliability_bins(counts: Array) -> tuple[ReliabilityBin, ...]:
    """The bins of a reliability diagram, from the same counts."""
    return tuple(
        ReliabilityBin(
            low=index / BINS,
            high=(index + 1) / BINS,
            pixels=int(pixels),
            confidence=float(confidence / pixels) if pixels else None,
            accuracy=float(right / pixels) if pixels else None,
        )
        for index, (pixels, confidence, right) in enumerate(counts.T)
    )
