"""Runs of equal pixels, and which region each belongs to: every annotation is made from them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.errors import AnswerTooLargeError

Indices = NDArray[np.int64]

MOST_RUNS = 2_000_000
"""In the rows or in the columns of a mask; more have only large masks of noise."""


@dataclass(frozen=True)
class Runs:
    """The longest runs of equal pixels within each row, from the first to the last.

    Args:
        starts: (n,) int64, index of the first pixel of each in the row-major mask.
        stops: (n,) int64, index after its last pixel.
        values: (n,) uint8, value of its pixels.
    """

    starts: Indices
    stops: Indices
    values: NDArray[np.uint8]


def row_runs(classes: NDArray[np.uint8]) -> Runs:
    """The runs of a mask (H, W) uint8.

    Raises:
        AnswerTooLargeError: more than `MOST_RUNS`.
    """
    flat = classes.ravel()
    begins = np.empty(flat.size, np.bool_)
    np.not_equal(flat[1:], flat[:-1], out=begins[1:])
    begins[:: classes.shape[1]] = True
    if (count := np.count_nonzero(begins)) > MOST_RUNS:
        raise AnswerTooLargeError(
            f"the mask has {count:,} runs of equal pixels in its rows or columns, more than {MOST_RUNS:,}: "
            "send a smaller picture, or ask for output=mask"
        )
    starts = np.flatnonzero(begins).astype(np.int64)
    return Runs(starts, np.append(starts[1:], flat.size), flat[starts])


class RunsByRegion:
    """Runs in groups.

    Args:
        starts: (n,) int64, ascending.
        stops: (n,) int64, none beyond the next start.
        regions: (n,) integers, the region of each.
    """

    def __init__(self, starts: Indices, stops: Indices, regions: NDArray[np.integer]) -> None:
        order = np.argsort(regions, kind="stable")
        self._starts, self._stops, self._regions = starts[order], stops[order], regions[order]

    def of(self, region: int) -> tuple[Indices, Indices]:
        """Starts and stops of the runs of one region, ascending; those that touch are still apart."""
        first, last = np.searchsorted(self._regions, [region, region + 1])
        return self._starts[first:last], self._stops[first:last]


def lengths_in_turn(starts: Indices, stops: Indices, total: int) -> Indices:
    """(m,) int64: lengths of zeros and ones in turn, zeros first; only that first one may be 0.

    Args:
        starts: (n,) of the runs of ones, ascending.
        stops: (n,), none beyond the next start; runs that touch become one.
        total: number of pixels.
    """
    apart = starts[1:] != stops[:-1]
    edges = np.empty(2 * (int(apart.sum()) + 1) if len(starts) else 0, np.int64)
    if len(starts):
        edges[::2] = starts[np.append(True, apart)]
        edges[1::2] = stops[np.append(apart, True)]
    lengths = np.diff(edges, prepend=0, append=total)
    return lengths[:-1] if len(starts) and not lengths[-1] else lengths
