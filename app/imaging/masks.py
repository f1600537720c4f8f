"""Probabilities to a mask of the picture's size, with its statistics.

Probabilities are taken as they are: nothing is rescaled to a picture's own minimum and maximum, so that a picture
without a class gives a mask without that class.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.errors import InvalidParameterError
from app.core.labels import UNDECIDED, Label, LabelMap
from app.imaging.probabilities import ProbabilityMap
from app.imaging.winners import winners


@dataclass(frozen=True)
class ClassStatistics:
    """What a mask holds of one class; for a class without a pixel: 0, 0.0, None, None.

    Args:
        label: the class.
        pixels: number of its pixels.
        share: of all pixels of the picture, undecided ones included, 0–1.
        mean_confidence: mean probability of the class over its pixels, 0–1.
        bbox: (x, y, width, height) in pixels, COCO's convention.
    """

    label: Label
    pixels: int
    share: float
    mean_confidence: float | None
    bbox: tuple[int, int, int, int] | None


@dataclass(frozen=True)
class Mask:
    """A mask of the picture's size.

    Args:
        classes: (H, W) uint8, class ids, 255 where undecided.
        statistics: one entry for each class of the model, in order of ids.
        undecided: number of pixels that are 255.
        confidence: (H, W) float32, winning probability of each pixel, 0–1; None where it was not kept.
    """

    classes: NDArray[np.uint8]
    statistics: tuple[ClassStatistics, ...]
    undecided: int
    confidence: NDArray[np.float32] | None = None


def segment_mask(
    probabilities: ProbabilityMap,
    labels: LabelMap,
    classes: Sequence[str] | None = None,
    threshold: float = 0.0,
    *,
    keep_confidence: bool = False,
) -> Mask:
    """Takes the most probable class of each pixel, at the picture's size.

    The class wins among all classes (the lowest id where equal); only then pixels whose class was not asked for, or
    whose winning probability is below the threshold, become 255. All may: then every class counts no pixel.

    Args:
        probabilities: of the picture, finite, 0–1.
        labels: its classes.
        classes: names of the classes to keep; None keeps all.
        threshold: least winning probability, 0–1.
        keep_confidence: whether the mask keeps the winning probability of each pixel.

    Raises:
        InvalidParameterError: `classes` names none or an unknown class, or the threshold is not in 0–1.
        ValueError: probabilities of another number of classes than `labels`.
    """
    kept = _kept_ids(probabilities, labels, classes, threshold)
    confidences = np.empty(probabilities.size, np.float32) if keep_confidence else None
    mask, tally = np.empty(probabilities.size, np.uint8), _Tally(len(labels))
    for row, winner, confidence in _decided(probabilities, kept, threshold):
        mask[row : row + len(winner)] = winner
        tally.add(row, winner, confidence)
        if confidences is not None:
            confidences[row : row + len(winner)] = confidence
    return Mask(mask, tally.statistics(labels, mask.size), int(tally.pixels[UNDECIDED]), confidences)


def class_ids(
    probabilities: ProbabilityMap, labels: LabelMap, classes: Sequence[str] | None = None, threshold: float = 0.0
) -> NDArray[np.uint8]:
    """The classes of `segment_mask` without its statistics, (H, W) uint8; several times as fast without a threshold."""
    kept = _kept_ids(probabilities, labels, classes, threshold)
    if threshold == 0.0:
        ids = probabilities.winners()
        return ids if classes is None else kept[ids]
    mask = np.empty(probabilities.size, np.uint8)
    for row, winner, _ in _decided(probabilities, kept, threshold):
        mask[row : row + len(winner)] = winner
    return mask


def _decided(
    probabilities: ProbabilityMap, kept: NDArray[np.uint8], threshold: float
) -> Iterator[tuple[int, NDArray[np.uint8], NDArray[np.float32]]]:
    """First row of each band, its class ids and their probabilities."""
    for row, band in probabilities.bands():
        winner, confidence = winners(band)
        winner = kept[winner]
        if threshold > 0.0:
            winner[confidence < threshold] = UNDECIDED
        yield row, winner, confidence


def foreground_alpha(probabilities: ProbabilityMap, labels: LabelMap) -> NDArray[np.uint8]:
    """The probability of the foreground at the picture's size: Σ p(foreground) + ½ Σ p(border), by role.

    Args:
        probabilities: of the picture, finite, 0–1.
        labels: its classes.

    Returns:
        (H, W) uint8, 0–255, the alpha of a cutout; all 0 where there is no foreground.

    Raises:
        InvalidParameterError: no class has the role of foreground.
        ValueError: probabilities of another number of classes than `labels`.
    """
    _check_classes(probabilities, labels)
    if not labels.ids("foreground"):
        raise InvalidParameterError("output", "a cutout needs a model with a foreground class, and this one has none")
    weight = np.zeros(len(labels), np.float32)
    weight[list(labels.ids("foreground"))] = 1.0
    weight[list(labels.ids("border"))] = 0.5
    alpha = np.empty(probabilities.size, np.uint8)
    for row, band in probabilities.weighted(weight).bands():
        alpha[row : row + len(band)] = np.rint(np.clip(band[..., 0], 0.0, 1.0) * 255.0)
    return alpha


def _check_classes(probabilities: ProbabilityMap, labels: LabelMap) -> None:
    if probabilities.classes != len(labels):
        raise ValueError(f"probabilities of {probabilities.classes} classes for {len(labels)} labels")


def _kept_ids(
    probabilities: ProbabilityMap, labels: LabelMap, classes: Sequence[str] | None, threshold: float
) -> NDArray[np.uint8]:
    """Table from class id to itself where it is kept, else to 255; raises as `segment_mask`."""
    _check_classes(probabilities, labels)
    if not 0.0 <= threshold <= 1.0:
        raise InvalidParameterError("threshold", f"must be from 0 to 1, not {threshold}")
    if classes is None:
        return np.arange(len(labels), dtype=np.uint8)
    if not classes:
        raise InvalidParameterError("classes", "names no class")
    kept = np.full(len(labels), UNDECIDED, np.uint8)
    for name in classes:
        kept[labels.named(name).id] = labels.named(name).id
    return kept


class _Tally:
    """Statistics of the classes, gathered band by band."""

    def __init__(self, classes: int) -> None:
        self.pixels = np.zeros(UNDECIDED + 1, np.int64)
        self._confidence = np.zeros(UNDECIDED + 1, np.float64)
        self._low = np.full((classes, 2), np.iinfo(np.int64).max)  # smallest row and column
        self._high = np.full((classes, 2), -1)  # largest row and column

    def add(self, row: int, winner: NDArray[np.uint8], confidence: NDArray[np.float32]) -> None:
        """Counts a band whose first row is `row`."""
        pixels = np.bincount(winner.ravel(), minlength=UNDECIDED + 1)
        self.pixels += pixels
        self._confidence += np.bincount(winner.ravel(), confidence.ravel(), UNDECIDED + 1)
        for class_id in np.flatnonzero(pixels[: len(self._low)]):
            chosen = winner == class_id
            rows, columns = np.flatnonzero(chosen.any(axis=1)) + row, np.flatnonzero(chosen.any(axis=0))
            self._low[class_id] = np.minimum(self._low[class_id], (rows[0], columns[0]))
            self._high[class_id] = np.maximum(self._high[class_id], (rows[-1], columns[-1]))

    def statistics(self, labels: LabelMap, total: int) -> tuple[ClassStatistics, ...]:
        """Statistics of a mask of `total` pixels."""
        return tuple(self._class_statistics(label, total) for label in labels)

    def _class_statistics(self, label: Label, total: int) -> ClassStatistics:
        pixels = int(self.pixels[label.id])
        if not pixels:
            return ClassStatistics(label, 0, 0.0, None, None)
        (top, left), (bottom, right) = self._low[label.id].tolist(), self._high[label.id].tolist()
        bbox = (left, top, right - left + 1, bottom - top + 1)
        # Interpolation weights sum to one only to float32 precision: a mean over certain pixels could pass 1.
        confidence = min(1.0, float(self._confidence[label.id]) / pixels)
        return ClassStatistics(label, pixels, pixels / total, confidence, bbox)
