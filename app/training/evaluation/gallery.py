"""Pictures of an evaluation to look at: the worst and some at random, each beside truth, mask and difference."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from app.core.labels import UNDECIDED, LabelMap
from app.imaging.geometry import resize_mask, resize_picture, shrunk
from app.imaging.masks import class_ids
from app.nn.metrics import mean_iou
from app.training.evaluation.candidate import Candidate
from app.training.evaluation.pictures import Array, PictureResult, SegmentedPicture, segment_pictures
from app.training.evaluation.report import PictureScore, picture_score
from app.training.html import data_uri
from app.training.sources.samples import DataSource

PICTURES = 20
"""Of each kind."""
LONGEST_SIDE = 320
WRONG, GREY = (226, 27, 72), (128, 128, 128)
FADING = 0.45
"""Part of the picture's contrast that the difference keeps."""


@dataclass(frozen=True)
class Exhibit:
    """One picture of a gallery.

    Args:
        score: its scores.
        picture: data URI.
        truth: data URI, classes in their colours, undecided pixels grey.
        mask: data URI, the same of the prediction.
        difference: data URI, the faded picture with wrong pixels red and undecided ones grey.
    """

    score: PictureScore
    picture: str
    truth: str
    mask: str
    difference: str


def worst(results: Sequence[PictureResult], count: int = PICTURES) -> list[PictureResult]:
    """The pictures with the lowest mean IoU of their own, the worst first."""
    return sorted(results, key=lambda result: mean_iou(result.matrix))[:count]


def at_random(results: Sequence[PictureResult], count: int = PICTURES, seed: int = 0) -> list[PictureResult]:
    """So many pictures drawn without replacement, or all, in the order of the list."""
    chosen = np.random.default_rng(seed).permutation(len(results))[:count]
    return [results[index] for index in sorted(chosen.tolist())]


def exhibits(candidate: Candidate, source: DataSource, results: Sequence[PictureResult]) -> list[Exhibit]:
    """Segments the pictures of these results once more and draws them."""
    samples = [result.sample for result in results]
    batches = segment_pictures(candidate.predict, source, samples, candidate.view)
    pictures = [picture for batch in batches for picture in batch]
    scores = [picture_score(result, source.labels) for result in results]
    return [exhibit(picture, score, source.labels) for picture, score in zip(pictures, scores, strict=True)]


def exhibit(picture: SegmentedPicture, score: PictureScore, labels: LabelMap) -> Exhibit:
    """Draws one picture, at most `LONGEST_SIDE` on its longer side."""
    geometry = shrunk(picture.geometry.source, LONGEST_SIDE)
    pixels = resize_picture(picture.pixels, geometry)
    truth = resize_mask(picture.mask, geometry)
    mask = resize_mask(class_ids(picture.probability_map, labels), geometry)
    return Exhibit(
        score=score,
        picture=data_uri(pixels, "JPEG"),
        truth=data_uri(coloured(truth, labels)),
        mask=data_uri(coloured(mask, labels)),
        difference=data_uri(difference(pixels, truth, mask), "JPEG"),
    )


def coloured(mask: Array, labels: LabelMap) -> Array:
    """Classes in their colours, undecided pixels grey: (H, W) uint8 → (H, W, 3) uint8."""
    palette = np.full((UNDECIDED + 1, 3), GREY, np.uint8)
    palette[: len(labels)] = [label.colour for label in labels]
    return palette[mask]


def difference(pixels: Array, truth: Array, mask: Array) -> Array:
    """The picture pale and without colour, wrong pixels red, undecided ones grey: (H, W, 3) uint8."""
    pale = 255 - (255 - np.asarray(Image.fromarray(pixels).convert("L"), np.float32)) * FADING
    drawn: Array = np.repeat(pale[..., np.newaxis], 3, axis=-1).astype(np.uint8)
    drawn[truth != mask] = WRONG
    drawn[truth == UNDECIDED] = GREY
    return drawn
