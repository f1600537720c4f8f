"""Interval of a paired difference that hangs on two things drawn by chance: the seeds and the pictures."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

CONFIDENCE = 0.95
CELLS = 300
"""Of the numerical integral: quantiles up to .99 are then right to eight places."""
BISECTIONS = 60


@dataclass(frozen=True)
class Interval:
    """Where a difference lies.

    Args:
        difference: mean over the blocks.
        low, high: bounds of the 95 % interval.
        seeds: standard error that comes of the seeds.
        pictures: standard error that comes of the choice of pictures.
        freedom: degrees of freedom of the two together.
    """

    difference: float
    low: float
    high: float
    seeds: float
    pictures: float
    freedom: float


def paired_interval(differences: Array, left_out: Array) -> Interval:
    """The 95 % interval of a mean difference over blocks, all of them scored on the same pictures.

    Blocks and pictures are crossed, as readers and cases are where several radiologists read the same images: the
    variance of the mean is the sum of two estimates, that of the seeds from the spread of the blocks, and that of the
    pictures by the jackknife; its degrees of freedom are Satterthwaite's.

    Sources: F. E. Satterthwaite, "An approximate distribution of estimates of variance components", 1946; B. Efron,
    "The jackknife, the bootstrap and other resampling plans", 1982, chapter 3; for readers and cases N. A. Obuchowski,
    H. E. Rockette, 1995.

    Args:
        differences: (B,) difference in each block, B ≥ 2.
        left_out: (B, N) the same without each picture, N ≥ 2.
    """
    blocks, pictures = left_out.shape
    mean = float(differences.mean())
    of_seeds = float(differences.var(ddof=1)) / blocks
    without = left_out.mean(axis=0)  # (N,)
    of_pictures = float(((without - without.mean()) ** 2).sum()) * (pictures - 1) / pictures
    total = of_seeds + of_pictures
    parts = of_seeds**2 / (blocks - 1) + of_pictures**2 / (pictures - 1)
    freedom = total**2 / parts if parts else float(blocks - 1)
    half = student_quantile((1 + CONFIDENCE) / 2, freedom) * math.sqrt(total)
    return Interval(mean, mean - half, mean + half, math.sqrt(of_seeds), math.sqrt(of_pictures), freedom)


def student_quantile(probability: float, freedom: float) -> float:
    """Quantile of Student's t distribution, found by bisection.

    With t = √freedom · tan θ the density becomes a power of the cosine, smooth on a bounded range.

    Args:
        probability: ½ … .99.
        freedom: degrees of freedom, at least 1, whole or not.
    """
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)
    low, high = 0.0, math.pi / 2
    for _ in range(BISECTIONS):
        angle = (low + high) / 2
        if 0.5 + scale * _power_of_cosine(angle, freedom - 1) < probability:
            low = angle
        else:
            high = angle
    return math.sqrt(freedom) * math.tan(high)


def _power_of_cosine(angle: float, power: float) -> float:
    """Integral of cosᵖ from 0 to an angle below π/2, by Simpson's rule."""
    values = np.cos(np.linspace(0, angle, 2 * CELLS + 1)) ** power
    total = values[0] + values[-1] + 4 * values[1::2].sum() + 2 * values[2:-1:2].sum()
    return float(total) * angle / (6 * CELLS)
