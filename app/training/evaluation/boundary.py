"""Boundary F-score: how well the contours of a mask lie on those of the truth, within a small tolerance.

Sources: G. Csurka, D. Larlus, F. Perronnin, "What is a good evaluation measure for semantic segmentation?", BMVC 2013
(tolerance of 0.75 % of the diagonal); F. Perazzi et al., "A benchmark dataset and evaluation methodology for video
object segmentation", CVPR 2016, section 3.
"""

from math import ceil, hypot, isqrt
from typing import Any

import numpy as np

from app.core.labels import UNDECIDED

Array = np.ndarray[Any, np.dtype[Any]]

TOLERANCE = 0.0075
"""Of the image's diagonal."""


def tolerance_pixels(height: int, width: int) -> int:
    """Distance up to which contours agree, pixels: rounded up, at least 1."""
    return max(1, ceil(TOLERANCE * hypot(height, width)))


def boundary_counts(truth: Array, predicted: Array, classes: int) -> Array:
    """Contour pixels of each class, and those that have a contour pixel of the other mask within the tolerance.

    A contour pixel has a pixel of another class above, below, left or right of it. Contour pixels of either mask that
    have an undecided pixel of the truth within the tolerance are not counted: the true contour may lie there.

    Args:
        truth: (H, W) uint8, class ids or 255.
        predicted: (H, W) uint8, class ids.
        classes: C.

    Returns:
        (4, C) int64: of the prediction, those matched and all; of the truth, those matched and all.
    """
    radius = tolerance_pixels(*truth.shape)
    line = truth.shape[1] + 2 * radius
    plane = line * (truth.shape[0] + 2 * radius)
    decided = truth != UNDECIDED
    # Of the undecided pixels the nearest to a decided one has a decided neighbour.
    undecided = _places(truth, ~decided & _contour(decided), radius) % plane
    wanted, found = (_places(mask, decided & _contour(mask), radius) for mask in (truth, predicted))
    counts = np.zeros((4, classes), np.int64)
    for row, contour, other in ((0, found, wanted), (2, wanted, found)):
        points = contour[~_near(contour % plane, undecided, line, radius)]
        class_ids = points // plane
        counts[row] = np.bincount(class_ids[_near(points, other, line, radius)], minlength=classes)
        counts[row + 1] = np.bincount(class_ids, minlength=classes)
    return counts


def boundary_precision(counts: Array) -> Array:
    """Share of the predicted contour that is right: (…, 4, C) → (…, C), NaN without any."""
    return _share(counts[..., 0, :], counts[..., 1, :])


def boundary_recall(counts: Array) -> Array:
    """Share of the true contour that was found: (…, 4, C) → (…, C), NaN without any."""
    return _share(counts[..., 2, :], counts[..., 3, :])


def boundary_f_scores(counts: Array) -> Array:
    """Harmonic mean of precision and recall, (…, 4, C) → (…, C): NaN for a class without contour in both masks."""
    precision, recall = (np.nan_to_num(share) for share in (boundary_precision(counts), boundary_recall(counts)))
    present = (counts[..., 1, :] > 0) | (counts[..., 3, :] > 0)
    scores: Array = np.where(present, 0.0, np.nan)
    np.divide(2 * precision * recall, precision + recall, out=scores, where=precision + recall > 0)
    return scores


def _share(part: Array, whole: Array) -> Array:
    shares: Array = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return shares


def _contour(mask: Array) -> Array:
    """Pixels beside one of another class, (H, W) bool; the edge of the image or of an undecided area is no contour."""
    contour = np.zeros(mask.shape, bool)
    for here, there in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        differ = (mask[here] != mask[there]) & (mask[here] != UNDECIDED) & (mask[there] != UNDECIDED)
        contour[here] |= differ
        contour[there] |= differ
    return contour


def _places(mask: Array, chosen: Array, radius: int) -> Array:
    """Indices of chosen pixels in a stack of planes, one a class, with `radius` around the picture: (N,), ascending."""
    height, width = mask.shape
    rows, columns = np.nonzero(chosen)
    planes = mask[chosen].astype(np.int64)
    return np.sort((planes * (height + 2 * radius) + rows + radius) * (width + 2 * radius) + columns + radius)


def _near(points: Array, others: Array, line: int, radius: int) -> Array:
    """Whether one of the others lies at most `radius` from each point, in its plane: a disk, line by line.

    Args:
        points: places, (N,).
        others: places, (M,), sorted.
        line: length of a line of a plane, pixels.
        radius: pixels.
    """
    ending = np.append(others, np.iinfo(np.int64).max)
    found = np.zeros(len(points), bool)
    for shift in range(-radius, radius + 1):
        reach = isqrt(radius**2 - shift**2)
        left = points + (shift * line - reach)
        found |= ending[np.searchsorted(others, left)] <= left + 2 * reach
    return found
