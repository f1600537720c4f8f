"""Bilinear resampling along one axis as weighted sums of source lines (the triangle filter that Pillow uses too)."""

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Taps:
    """Which source lines make up each line of the result.

    Args:
        index: (n, taps) intp, lines of the source.
        weight: (n, taps) float32; each row sums to one.
    """

    index: NDArray[np.intp]
    weight: NDArray[np.float32]

    def part(self, start: int, stop: int) -> tuple["Taps", slice]:
        """Taps of the lines from `start` to `stop`, counted from the first source line needed, and those needed."""
        index = self.index[start:stop]
        first, last = int(index.min()), int(index.max())
        return Taps(index - first, self.weight[start:stop]), slice(first, last + 1)


def bilinear_taps(source: int, length: int) -> Taps:
    """Taps that take `source` lines to `length` lines; antialiased where that is fewer.

    Two taps a line when enlarging, 2 · source / length when reducing.
    """
    scale = source / length
    support = max(scale, 1.0)
    centre = (np.arange(length) + 0.5) * scale
    first = np.floor(centre - support + 0.5).astype(np.intp)
    index = first[:, np.newaxis] + np.arange(ceil(2 * support))
    weight = np.maximum(0.0, 1.0 - np.abs(index + 0.5 - centre[:, np.newaxis]) / support)
    weight[(index < 0) | (index >= source)] = 0.0
    weight /= weight.sum(axis=1, keepdims=True)
    return Taps(np.clip(index, 0, source - 1), weight.astype(np.float32))


def resample(array: NDArray[np.float32], taps: Taps, axis: int) -> NDArray[np.float32]:
    """Applies taps along an axis.

    Args:
        array: float32, its `axis` as long as the taps' source.
        taps: n lines of the result.
        axis: 0 or a later axis, not negative.

    Returns:
        The array with that axis n long. A line's value does not depend on which other lines are asked for.
    """
    shape = [-1 if dimension == axis else 1 for dimension in range(array.ndim)]
    result = np.take(array, taps.index[:, 0], axis)
    result *= taps.weight[:, 0].reshape(shape)
    for tap in range(1, taps.index.shape[1]):
        part = np.take(array, taps.index[:, tap], axis)
        part *= taps.weight[:, tap].reshape(shape)
        result += part
    return result
