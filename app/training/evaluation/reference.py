"""What a model sees on its own data, as histograms: drift of live traffic is measured against them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.core.labels import LabelMap
from app.store.scores import Histogram, ReferenceDistribution
from app.training.evaluation.pictures import PictureResult

Array = np.ndarray[Any, np.dtype[Any]]

EDGES = tuple(round(edge, 2) for edge in np.linspace(0, 1, 21).tolist())


def reference_distribution(results: Sequence[PictureResult], labels: LabelMap) -> ReferenceDistribution:
    """Histograms over pictures of brightness, mean confidence and predicted share of each class, 0–1 in 20 bins."""
    seen = [result.observation for result in results]
    shares = np.array([each.shares for each in seen])  # (N, C)
    return ReferenceDistribution(
        brightness=histogram([each.brightness for each in seen]),
        confidence=histogram([each.confidence for each in seen]),
        class_share={label.name: histogram(shares[:, label.id].tolist()) for label in labels},
    )


def histogram(values: Sequence[float]) -> Histogram:
    """Counts of values 0–1 in 20 equal bins."""
    counts, _ = np.histogram(np.clip(values, 0, 1), EDGES)
    return Histogram(edges=EDGES, counts=tuple(counts.tolist()))
