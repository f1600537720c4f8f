"""Sheets of pictures beside their masks, for people to look at."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.core.labels import UNDECIDED, LabelMap
from app.imaging.geometry import Geometry, resize_mask, resize_picture
from app.imaging.masks import class_ids
from app.imaging.windows import View
from app.training.config import TrainingConfig
from app.training.evaluation.pictures import segment_pictures
from app.training.evaluation.prediction import Predict
from app.training.sources.samples import DataSource, Sample

Array = np.ndarray[Any, np.dtype[Any]]

COLUMNS = 4
GAP = 4


def tinted(picture: Array, mask: Array, labels: LabelMap) -> Array:
    """Picture (H, W, 3) uint8 half covered by the colours of its mask (H, W) uint8; undecided pixels black."""
    palette = np.zeros((256, 3), np.float32)
    palette[: len(labels)] = [label.colour for label in labels]
    covered = picture * np.float32(0.4) + palette[mask] * np.float32(0.6)
    return np.where((mask == UNDECIDED)[..., None], 0, covered).astype(np.uint8)


def sheet(rows: Sequence[Sequence[Array]]) -> Array:
    """Pictures of one size (H, W, 3) uint8, laid out in rows on white."""
    height, width = rows[0][0].shape[:2]
    columns = max(len(row) for row in rows)
    canvas = np.full((len(rows) * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3), 255, np.uint8)
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            top, left = GAP + i * (height + GAP), GAP + j * (width + GAP)
            canvas[top : top + height, left : left + width] = picture
    return canvas


def augmented_sheet(pictures: Array, masks: Array, labels: LabelMap) -> Array:
    """A batch as the network sees it: (B, S, S, 3) float32 0–255 and (B, S, S) uint8, each beside its mask."""
    cells = []
    for picture, mask in zip(pictures.astype(np.uint8), masks, strict=True):
        cells += [picture, tinted(picture, mask, labels)]
    return sheet([cells[first : first + 2 * COLUMNS] for first in range(0, len(cells), 2 * COLUMNS)])


def examples_sheet(predict: Predict, source: DataSource, samples: Sequence[Sample], config: TrainingConfig) -> Array:
    """For each sample: picture, true mask, predicted mask, brought into a square of the training size."""
    square = (config.size, config.size)
    cells = []
    for batch in segment_pictures(predict, source, samples, View(square, config.resize)):
        for picture in batch:
            frame = Geometry(picture.geometry.source, square, "letterbox")
            predicted = class_ids(picture.probability_map, source.labels)
            shown = resize_picture(picture.pixels, frame)
            masks = [resize_mask(mask, frame) for mask in (picture.mask, predicted)]
            cells += [shown, *(tinted(shown, mask, source.labels) for mask in masks)]
    return sheet([cells[first : first + 6] for first in range(0, len(cells), 6)])
