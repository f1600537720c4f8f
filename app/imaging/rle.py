"""COCO's run-length encoding of a mask, compressed as pycocotools does it (cocodataset/cocoapi, common/maskApi.c)."""

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray


class CocoRle(TypedDict):
    """A mask as COCO writes it.

    `size` is [H, W]; `counts` are lengths of runs of zeros and ones in turn, zeros first, column by column, compressed.
    """

    size: list[int]
    counts: str


def coco_rle(mask: NDArray[np.bool_]) -> CocoRle:
    """Encodes a mask; one without a pixel is a single run of zeros.

    Args:
        mask: (H, W) bool.
    """
    return CocoRle(size=[mask.shape[0], mask.shape[1]], counts=compressed(_run_lengths(mask)))


def _run_lengths(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(n,) int64: lengths of the runs of the column-major mask; the first counts zeros and may be 0."""
    pixels = mask.ravel(order="F")
    edges = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    starts = np.concatenate(([0], edges)) if not pixels[0] else np.concatenate(([0, 0], edges))
    return np.diff(starts, append=pixels.size).astype(np.int64)


def compressed(counts: NDArray[np.int64]) -> str:
    """Run lengths as COCO's string.

    From the fourth run on the difference to the run two before; then groups of 5 bits, lowest first. Each group is a
    character from code 48 on; bit 5 says that another follows. The last group's bit 4 is the sign.

    Args:
        counts: (n,) int64.
    """
    values = counts.copy()
    values[3:] -= counts[1:-2]
    groups = []
    present = []
    more = np.ones(len(values), np.bool_)
    while more.any():
        present.append(more)
        group = values & 0x1F
        values = values >> 5
        more = more & (values != np.where(group & 0x10, -1, 0))
        groups.append(group + np.where(more, 0x20, 0) + 48)
    characters = np.stack(groups, axis=1).astype(np.uint8)
    return characters[np.stack(present, axis=1)].tobytes().decode("ascii")
