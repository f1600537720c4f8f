"""Scores of a network on labelled pictures, at each mask's own size, counted over the whole set."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from app.core.labels import UNDECIDED, LabelMap
from app.imaging.geometry import Geometry
from app.imaging.observation import Observation, observe
from app.imaging.probabilities import ResizedProbabilities
from app.imaging.windows import View
from app.imaging.winners import winners
from app.nn.metrics import confusion_matrix, dice_per_class, iou_per_class, mean_iou, merged_iou, pixel_accuracy
from app.store.scores import Scores
from app.training.dataset import read_sample
from app.training.evaluation.boundary import boundary_counts, boundary_f_scores
from app.training.evaluation.calibration import BINS, calibration_counts, expected_calibration_error
from app.training.evaluation.prediction import Predict, batch_size, fitted, mirrored, predicted
from app.training.sources.samples import DataSource, Sample

Array = np.ndarray[Any, np.dtype[Any]]

SMALLEST_PROBABILITY = 1e-7
"""Cross-entropy takes a probability for at least this."""


@dataclass(frozen=True)
class SegmentedPicture:
    """What a network makes of a labelled picture.

    Args:
        sample: the picture.
        pixels: (H, W, 3) uint8 RGB at its own size.
        mask: (H, W) uint8, class ids or 255: the truth.
        resized: (h, w, 3) uint8 RGB, the network's input, or all pixels where it saw windows of them.
        probabilities: (h, w, C) float32, of the same size.
        geometry: between the two sizes.
    """

    sample: Sample
    pixels: Array
    mask: Array
    resized: Array
    probabilities: Array
    geometry: Geometry

    @property
    def probability_map(self) -> ResizedProbabilities:
        """The probabilities at the picture's own size."""
        return ResizedProbabilities(np.ascontiguousarray(self.probabilities, np.float32), self.geometry)


@dataclass(frozen=True)
class PictureResult:
    """What one picture adds to the scores.

    Args:
        sample: the picture.
        matrix: (C, C) int64 confusion matrix.
        boundary: (4, C) int64, contour pixels (see `boundary_counts`).
        calibration: (3, 15) float64, bins of the winning probability (see `calibration_counts`).
        cross_entropy: sum over its counted pixels, nats.
        observation: what the network saw and made of it.
    """

    sample: Sample
    matrix: Array
    boundary: Array
    calibration: Array
    cross_entropy: float
    observation: Observation


def segment_pictures(
    predict: Predict, source: DataSource, samples: Sequence[Sample], view: View
) -> Iterator[list[SegmentedPicture]]:
    """Segments pictures, a batch at a time.

    Args:
        predict: the network.
        source: reads the masks.
        samples: the pictures.
        view: how the network is shown them.

    Raises:
        DataError: a picture or mask that cannot be read.
        TrainingError: the network gives probabilities that are not finite.
    """
    with ThreadPoolExecutor() as pool:
        batch = batch_size(view)
        for first in range(0, len(samples), batch):
            chosen = samples[first : first + batch]
            read = list(pool.map(lambda sample: read_sample(source, sample), chosen))
            pixels, masks = zip(*read, strict=True)
            geometries, resized = fitted(pixels, view)
            probabilities = predicted(predict, resized, view)
            yield list(map(SegmentedPicture, chosen, pixels, masks, resized, probabilities, geometries))


def flip_averaged(predict: Predict, pictures: Sequence[SegmentedPicture], view: View) -> list[SegmentedPicture]:
    """The same pictures, each with the mean of its probabilities and of those of its mirror image.

    Raises:
        TrainingError: the network gives probabilities that are not finite.
    """
    others = mirrored(predict, [picture.resized for picture in pictures], view)
    return [
        replace(picture, probabilities=(picture.probabilities + other) / 2)
        for picture, other in zip(pictures, others, strict=True)
    ]


def evaluate_pictures(
    predict: Predict, source: DataSource, samples: Sequence[Sample], view: View
) -> list[PictureResult]:
    """Segments every picture and compares it with its mask at the mask's own size; arguments as `segment_pictures`."""
    results: list[PictureResult] = []
    with ThreadPoolExecutor() as pool:
        for batch in segment_pictures(predict, source, samples, view):
            results += pool.map(score_picture, batch)
    return results


def score_picture(picture: SegmentedPicture) -> PictureResult:
    """Compares probabilities, brought to the mask's own size, with the mask."""
    probabilities, mask = picture.probabilities, picture.mask
    classes = probabilities.shape[-1]
    predicted = np.empty(mask.shape, np.uint8)
    calibration = np.zeros((3, BINS))
    cross_entropy = 0.0
    for top, band in picture.probability_map.bands():
        truth = mask[top : top + len(band)]
        counted = truth != UNDECIDED
        winner, confidence = winners(band)
        predicted[top : top + len(band)] = winner
        calibration += calibration_counts(confidence[counted], (winner == truth)[counted])
        cross_entropy += summed_cross_entropy(band, truth)
    return PictureResult(
        sample=picture.sample,
        matrix=confusion_matrix(mask, predicted, classes),
        boundary=boundary_counts(mask, predicted, classes),
        calibration=calibration,
        cross_entropy=cross_entropy,
        observation=observe(picture.resized, probabilities),
    )


def summed_cross_entropy(probabilities: Array, truth: Array) -> float:
    """Sum over the counted pixels, nats, of (H, W, C) float32 for the classes (H, W) uint8, class ids or 255."""
    counted = truth != UNDECIDED
    index = np.where(counted, truth, 0)[..., np.newaxis].astype(np.intp)
    right = np.take_along_axis(probabilities, index, axis=-1)[..., 0]
    return -float(np.log(np.maximum(right[counted], SMALLEST_PROBABILITY)).sum(dtype=np.float64))


def total_scores(results: Sequence[PictureResult], labels: LabelMap) -> Scores:
    """Scores over all the pictures together.

    Raises:
        ValueError: no pixel was counted.
    """
    matrix = np.sum([result.matrix for result in results], axis=0)
    if not len(results) or not matrix.sum():
        raise ValueError("nothing to score: no labelled pixel")
    boundary = np.sum([result.boundary for result in results], axis=0)
    calibration = np.sum([result.calibration for result in results], axis=0)
    names = [label.name for label in labels]
    return Scores(
        mean_iou=mean_iou(matrix),
        iou=_by_name(names, iou_per_class(matrix)),
        dice=_by_name(names, dice_per_class(matrix)),
        pixel_accuracy=pixel_accuracy(matrix),
        foreground_iou=measured(merged_iou(matrix, object_ids(labels))),
        cross_entropy=sum(result.cross_entropy for result in results) / int(matrix.sum()),
        boundary_f_score=_mean(boundary_f_scores(boundary)),
        expected_calibration_error=measured(expected_calibration_error(calibration)),
    )


def object_ids(labels: LabelMap) -> tuple[int, ...]:
    """Classes that make up the object: foreground with its border; none where no class is foreground."""
    foreground = labels.ids("foreground")
    return foreground + labels.ids("border") if foreground else ()


def _by_name(names: list[str], scores: Array) -> dict[str, float | None]:
    return {name: measured(score) for name, score in zip(names, scores, strict=True)}


def measured(score: float) -> float | None:
    """A score, or None where it is no number: nothing was there to be measured."""
    return float(score) if np.isfinite(score) else None


def _mean(scores: Array) -> float | None:
    return float(np.nanmean(scores)) if np.isfinite(scores).any() else None
