"""Which masks a trained network contradicts: wrong ones surface, among pictures that it finds hard."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.core.labels import UNDECIDED
from app.imaging.winners import winners
from app.nn.metrics import confusion_matrix, mean_iou
from app.training.checking.check import Report
from app.training.evaluation.pictures import SegmentedPicture, evaluate_pictures, segment_pictures
from app.training.sources.samples import DataSource, Sample

if TYPE_CHECKING:
    from app.training.evaluation.candidate import Candidate
    from app.training.evaluation.gallery import Exhibit

CONFIDENT = 0.9
"""Least probability of a class that the network is sure of."""
SHOWN = 20
"""Masks that are listed and drawn."""


@dataclass(frozen=True)
class Disagreement:
    """How far a network contradicts the mask of a picture.

    Args:
        sample: the picture.
        contradicted: share of the mask's decided pixels for which the network is sure of another class, 0–1.
        mean_iou: of mask and prediction, mean of the classes in either, 0–1.
    """

    sample: Sample
    contradicted: float
    mean_iou: float


def rank(candidate: "Candidate", source: DataSource, samples: Sequence[Sample], report: Report) -> list[Disagreement]:
    """All pictures, the most contradicted mask first.

    Args:
        candidate: the network.
        source: reads the masks.
        samples: pictures that can be read, with masks of their size.
        report: called after each batch.

    Raises:
        TrainingError: the network gives probabilities that are not finite.
    """
    found: list[Disagreement] = []
    with ThreadPoolExecutor() as pool:
        for batch in segment_pictures(candidate.predict, source, samples, candidate.view):
            found += pool.map(compare, batch)
            report(len(found), len(samples))
    return sorted(found, key=lambda disagreement: (-disagreement.contradicted, disagreement.mean_iou))


def compare(picture: SegmentedPicture) -> Disagreement:
    """Compares the network with the mask, at the mask's own size."""
    classes = picture.probabilities.shape[-1]
    matrix = np.zeros((classes, classes), np.int64)
    contradicted = 0
    for top, band in picture.probability_map.bands():
        mask = picture.mask[top : top + len(band)]
        winner, confidence = winners(band)
        matrix += confusion_matrix(mask, winner, classes)
        contradicted += int(((confidence >= CONFIDENT) & (winner != mask) & (mask != UNDECIDED)).sum())
    return Disagreement(picture.sample, contradicted / int(matrix.sum()), mean_iou(matrix))


def exhibits_of(
    candidate: "Candidate", source: DataSource, ranking: Sequence[Disagreement]
) -> list[tuple["Exhibit", Disagreement]]:
    """The first of a ranking, drawn."""
    from app.training.evaluation.gallery import exhibits  # brings TensorFlow

    first = ranking[:SHOWN]
    samples = [disagreement.sample for disagreement in first]
    results = evaluate_pictures(candidate.predict, source, samples, candidate.view)
    return list(zip(exhibits(candidate, source, results), first, strict=True))
