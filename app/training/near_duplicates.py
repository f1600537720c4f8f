"""Pictures that show the same: frames of one scene, other exposures, crops that differ by a few pixels."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from PIL import Image

Array = np.ndarray[Any, np.dtype[Any]]

CELLS, BITS = 8 * 9, 8 * 8
"""Of a thumbnail, and of a difference hash."""
NEAR = 6
"""Bits in which the difference hashes of two pictures may differ that count as near-duplicates."""
ALIKE = 0.9
"""Least correlation of their thumbnails: hashes of flat or empty pictures are alike by chance."""
FLAT = 0.5
"""Spread of a thumbnail, in grey values, below which a picture has nothing to be compared by."""
ROWS = 512
"""Pictures compared with all others at a time: 20,000 pictures take some seconds and less than 100 MB."""


def thumbnail(picture: Array) -> Array:
    """What a picture (H, W, 3) uint8 is compared by: mean grey values of 8 × 9 cells, (8, 9) uint8."""
    return np.asarray(Image.fromarray(picture).convert("L").resize((9, 8), Image.Resampling.BOX))


def near_pairs(thumbnails: Array) -> Iterator[Array]:
    """Pairs of near-duplicates, some at a time: (K, 2) int indices, the lower one first, ascending by it.

    Two pictures are near if their difference hashes are (dHash: is each cell brighter than the one to its left?) and
    their thumbnails correlate; exposure and contrast don't count. A flat picture is near to none.

    Args:
        thumbnails: (N, 8, 9) uint8.
    """
    count = len(thumbnails)
    bits = np.where(np.diff(thumbnails.astype(np.int16), axis=2) > 0, 1, -1).reshape(count, BITS).astype(np.float32)
    cells = thumbnails.reshape(count, CELLS).astype(np.float32)
    spread = cells.std(axis=1, keepdims=True)
    cells -= cells.mean(axis=1, keepdims=True)
    cells /= np.where(spread < FLAT, np.inf, spread * np.sqrt(CELLS))
    for first in range(0, count, ROWS):
        rows = slice(first, first + ROWS)
        # Bits as ±1: their scalar product is 64 less twice the number of bits that differ.
        near = bits[rows] @ bits[first:].T >= BITS - 2 * NEAR
        near &= cells[rows] @ cells[first:].T >= ALIKE
        yield np.argwhere(np.triu(near, 1)) + first


def connected(count: int, pairs: Iterable[Array]) -> Array:
    """Groups of `count` things that pairs connect: for each the least index in its group, (count,) int.

    Args:
        count: how many things.
        pairs: (K, 2) int indices, in any number of portions.
    """
    group = np.arange(count)
    for portion in pairs:
        low, high = _unequal(group, portion)
        while len(low):
            target = np.arange(count)
            np.minimum.at(target, high, low)
            while not np.array_equal(target, target[target]):
                target = target[target]
            group = target[group]
            low, high = _unequal(group, portion)
    return group


def _unequal(group: Array, pairs: Array) -> tuple[Array, Array]:
    """Lower and higher group of each pair that is not in one group yet."""
    groups = np.sort(group[pairs], axis=1)
    low, high = groups[groups[:, 0] != groups[:, 1]].T
    return low, high


def near_duplicate_groups(thumbnails: Array) -> Array:
    """Group number of each picture, (N,) int; near-duplicates share one, and so do those that they tie together."""
    return connected(len(thumbnails), near_pairs(thumbnails))
