"""Connected components of a mask: pixels of one class that hang together by edges (4-connected).

Pixels that touch at a corner only belong to different components, so that a component has one outer ring.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.labels import UNDECIDED
from app.imaging.annotations.runs import Indices, Runs, row_runs

NOTHING = -1
"""Component of undecided pixels."""


@dataclass(frozen=True)
class Components:
    """The components of a mask, numbered from 0 in row-major order of their first pixels.

    Args:
        runs: of the mask.
        numbers: (n,) int64, component of each run, −1 where undecided.
        count: number of components.
    """

    runs: Runs
    numbers: Indices
    count: int

    def at(self, pixels: Indices) -> Indices:
        """Components of pixels, given by their index in the row-major mask."""
        return self.numbers[np.searchsorted(self.runs.starts, pixels, side="right") - 1]


def connected_components(classes: NDArray[np.uint8]) -> Components:
    """Finds the components of a mask (H, W) uint8 of class ids, 255 where undecided."""
    runs = row_runs(classes)
    roots = _roots(len(runs.starts), *_contacts(classes, runs))
    numbers = np.full(len(roots), NOTHING, np.int64)
    decided = runs.values != UNDECIDED
    firsts = np.flatnonzero(decided & (roots == np.arange(len(roots))))  # a root is the first run of its component
    numbers[firsts] = np.arange(len(firsts))
    numbers[decided] = numbers[roots[decided]]
    return Components(runs, numbers, len(firsts))


def _contacts(classes: NDArray[np.uint8], runs: Runs) -> tuple[Indices, Indices]:
    """Pairs of runs of one class, each above the other; once a pair, at the first column that they share."""
    width = classes.shape[1]
    begins = np.zeros(classes.size, np.bool_)
    begins[runs.starts] = True
    flat = classes.ravel()
    shared = flat[:-width] == flat[width:]
    shared &= begins[:-width] | begins[width:]
    upper = np.flatnonzero(shared)
    return _runs_of(upper, runs), _runs_of(upper + width, runs)


def _runs_of(pixels: Indices, runs: Runs) -> Indices:
    return np.searchsorted(runs.starts, pixels, side="right") - 1


def _roots(count: int, one: Indices, other: Indices) -> Indices:
    """(count,) int64: the lowest index that each is connected to; `one` and `other` are the ends of the connections."""
    roots = np.arange(count)
    while True:
        one, other = roots[one], roots[other]
        differ = one != other
        if not differ.any():
            return roots
        one, other = one[differ], other[differ]
        np.minimum.at(roots, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(further := roots[roots], roots):
            roots = further
