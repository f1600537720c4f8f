"""Scores of a network on labelled pictures, at each mask's own size, counted over the whole set."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.core.errors import TrainingError
from app.core.labels import UNDECIDED, LabelMap
from app.imaging.geometry import Geometry, ResizeRule, resize_picture, restore_bands
from app.nn.metrics import confusion_matrix, dice_per_class, iou_per_class, mean_iou, merged_iou, pixel_accuracy
from app.store.scores import Scores
from app.training.dataset import read_sample
from app.training.sources.samples import DataSource, Sample

Array = np.ndarray[Any, np.dtype[Any]]
Predict = Callable[[Array], Array]
"""(B, h, w, 3) float32 RGB 0–255 → probabilities (B, h, w, C) float32."""

BATCH = 16
SMALLEST_PROBABILITY = 1e-7
"""Cross-entropy takes a probability for at least this."""


@dataclass(frozen=True)
class PictureResult:
    """What one picture adds to the scores.

    Args:
        sample: the picture.
        matrix: (C, C) int64 confusion matrix.
        cross_entropy: sum over its counted pixels, nats.
        brightness: mean grey value of the picture, 0–1.
        confidence: mean probability of the winning class, 0–1.
        shares: (C,) float, predicted share of each class at the network's size.
    """

    sample: Sample
    matrix: Array
    cross_entropy: float
    brightness: float
    confidence: float
    shares: tuple[float, ...]


def with_flip(predict: Predict) -> Predict:
    """Averages the probabilities of a picture and of its mirror image."""

    def averaged(pictures: Array) -> Array:
        mirrored = predict(np.ascontiguousarray(pictures[:, :, ::-1]))
        return (predict(pictures) + mirrored[:, :, ::-1]) / 2

    return averaged


def evaluate_pictures(
    predict: Predict, source: DataSource, samples: Sequence[Sample], size: tuple[int, int], rule: ResizeRule
) -> list[PictureResult]:
    """Segments every picture and compares it with its mask at the mask's own size.

    Args:
        predict: the network.
        source: reads the masks.
        samples: what to score.
        size: (h, w) of the network's input.
        rule: how a picture becomes that size.

    Raises:
        DataError: a picture or mask that cannot be read.
        TrainingError: the network gives probabilities that are not finite.
    """
    results: list[PictureResult] = []
    with ThreadPoolExecutor() as pool:
        for first in range(0, len(samples), BATCH):
            chosen = samples[first : first + BATCH]
            read = list(pool.map(lambda sample: read_sample(source, sample), chosen))
            geometries = [Geometry((mask.shape[0], mask.shape[1]), size, rule) for _, mask in read]
            pictures = [resize_picture(pixels, g) for (pixels, _), g in zip(read, geometries, strict=True)]
            probabilities = predict(np.stack(pictures).astype(np.float32))
            if not np.isfinite(probabilities).all():
                raise TrainingError("the network gives probabilities that are not finite: its training has diverged")
            masks = [mask for _, mask in read]
            results += pool.map(score_picture, chosen, pictures, probabilities, masks, geometries)
    return results


def score_picture(
    sample: Sample, picture: Array, probabilities: Array, mask: Array, geometry: Geometry
) -> PictureResult:
    """Compares probabilities of a picture (h, w, 3) at the network's size (h, w, C) with a mask at its own (H, W)."""
    classes = probabilities.shape[-1]
    matrix = np.zeros((classes, classes), np.int64)
    cross_entropy = 0.0
    for top, band in restore_bands(np.ascontiguousarray(probabilities, np.float32), geometry):
        truth = mask[top : top + len(band)]
        matrix += confusion_matrix(truth, band.argmax(axis=-1).astype(np.uint8), classes)
        counted = truth != UNDECIDED
        right = np.take_along_axis(band, np.where(counted, truth, 0)[..., None].astype(np.intp), axis=-1)[..., 0]
        cross_entropy -= float(np.log(np.maximum(right[counted], SMALLEST_PROBABILITY)).sum())
    winning = probabilities.argmax(axis=-1)
    return PictureResult(
        sample=sample,
        matrix=matrix,
        cross_entropy=cross_entropy,
        brightness=float(picture.mean()) / 255,
        confidence=float(probabilities.max(axis=-1).mean()),
        shares=tuple((np.bincount(winning.reshape(-1), minlength=classes) / winning.size).tolist()),
    )


def total_scores(results: Sequence[PictureResult], labels: LabelMap) -> Scores:
    """Scores over all the pictures together.

    Raises:
        ValueError: no pixel was counted.
    """
    matrix = np.sum([result.matrix for result in results], axis=0)
    if not len(results) or not matrix.sum():
        raise ValueError("nothing to score: no labelled pixel")
    foreground = labels.ids("foreground")
    merged = foreground + labels.ids("border") if foreground else ()
    names = [label.name for label in labels]
    return Scores(
        mean_iou=mean_iou(matrix),
        iou=_by_name(names, iou_per_class(matrix)),
        dice=_by_name(names, dice_per_class(matrix)),
        pixel_accuracy=pixel_accuracy(matrix),
        foreground_iou=_measured(merged_iou(matrix, merged)),
        cross_entropy=sum(result.cross_entropy for result in results) / int(matrix.sum()),
    )


def _by_name(names: list[str], scores: Array) -> dict[str, float | None]:
    return {name: _measured(score) for name, score in zip(names, scores, strict=True)}


def _measured(score: float) -> float | None:
    return float(score) if np.isfinite(score) else None
