"""The most probable class of each pixel: of probabilities, or at the picture's size without making all of these."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from app.core.labels import UNDECIDED
from app.imaging.geometry import Geometry
from app.imaging.resample import Taps
from app.imaging.restore import RestoredRows, restore_bands

_BLOCK_PIXELS = 2**19
"""Most pixels of the picture that are worked on at a time, at least one row of it: bounds the memory."""

_MOST_CONTOURS = 0.25
"""Share of pixels along contours above which all are interpolated: one by one they would take longer."""


def winners(band: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Argmax and maximum over the last axis; class by class, several times as fast as `argmax` over a short axis."""
    first, *others = np.ascontiguousarray(np.moveaxis(band, -1, 0))
    confidence, winner = first.copy(), np.zeros(first.shape, np.uint8)
    for class_id, plane in enumerate(others, start=1):
        np.copyto(winner, np.uint8(class_id), where=plane > confidence)
        np.maximum(confidence, plane, out=confidence)
    return winner, confidence


def restored_winners(probabilities: NDArray[np.float32], geometry: Geometry) -> NDArray[np.uint8]:
    """The winners of `restore_bands`, in a third of the time.

    A pixel lies between four of the network's. A class that wins at all four wins between them, too, for interpolation
    is a mean with weights that are not negative. So only pixels along contours are interpolated, 2 % of a photograph.

    Args:
        probabilities: (h, w, C) float32 of the geometry's target, finite, at most 255 classes.
        geometry: the one that the picture was resized with.

    Returns:
        (H, W) uint8; the lowest class where several are equal.

    Raises:
        ValueError: probabilities of another size than the target.
    """
    restored = RestoredRows(probabilities, geometry)
    if restored.horizontal.index.shape[1] > 2:  # narrower than the network's input
        return band_winners(restore_bands(probabilities, geometry), geometry.source)
    ids = np.empty(geometry.source, np.uint8)
    lines = _agreed(winners(restored.content.transpose(0, 2, 1))[0], restored.horizontal, axis=1)
    height = max(1, _BLOCK_PIXELS // ids.shape[1])
    for top in range(0, len(ids), height):
        block = ids[top : top + height]
        taps, needed = restored.vertical.part(top, top + len(block))
        block[:] = _agreed(lines[needed], taps, axis=0)
        row, column = np.divmod(np.flatnonzero(block == UNDECIDED), ids.shape[1])
        if len(row) > _MOST_CONTOURS * block.size:
            return band_winners(restore_bands(probabilities, geometry), geometry.source)
        block[row, column] = _winners_at(restored, top + row, column)
    return ids


def band_winners(bands: Iterable[tuple[int, NDArray[np.float32]]], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The winners of bands of rows, with the first row of each, that make up a picture of (H, W): (H, W) uint8."""
    ids = np.empty(size, np.uint8)
    for row, band in bands:
        ids[row : row + len(band)] = winners(band)[0]
    return ids


def _agreed(ids: NDArray[np.uint8], taps: Taps, axis: int) -> NDArray[np.uint8]:
    """What both of a line's taps say; `UNDECIDED` where they differ, or either is."""
    agreed = ids.take(taps.index[:, 0], axis)
    np.putmask(agreed, agreed != ids.take(taps.index[:, 1], axis), UNDECIDED)
    return agreed


def _winners_at(restored: RestoredRows, row: NDArray[np.intp], column: NDArray[np.intp]) -> NDArray[np.uint8]:
    """The winners of some pixels, (n,) uint8; computed in the order of `RestoredRows`, so that they are its own."""
    width = restored.content.shape[2]
    (above, below), (above_weight, below_weight) = _taps_of(restored.vertical, row)
    (left, right), (left_weight, right_weight) = _taps_of(restored.horizontal, column)
    corners = [each * width + side for each in (above, below) for side in (left, right)]
    found = np.empty((restored.content.shape[1], len(row)), np.float32)
    for class_id, probability in enumerate(found):
        plane = restored.content[:, class_id].ravel()
        above_left, above_right, below_left, below_right = map(plane.take, corners)
        upper = above_left * left_weight + above_right * right_weight
        lower = below_left * left_weight + below_right * right_weight
        np.add(upper * above_weight, lower * below_weight, out=probability)
    return winners(found.T)[0]


def _taps_of(taps: Taps, lines: NDArray[np.intp]) -> tuple[Sequence[NDArray[np.intp]], Sequence[NDArray[np.float32]]]:
    """Of some lines: first and second index, first and second weight, (n,) each."""
    return [tap.take(lines) for tap in taps.index.T], [tap.take(lines) for tap in taps.weight.T]
