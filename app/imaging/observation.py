"""What a network saw and made of a picture, in a few numbers: by them live traffic is compared with the data."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.imaging.winners import winners


@dataclass(frozen=True)
class Observation:
    """Numbers of one picture, 0–1 each, at the network's size.

    Args:
        brightness: mean grey value of what the network saw.
        confidence: mean over the pixels of the winning probability.
        shares: of each class, by id: part of the pixels where it wins.
    """

    brightness: float
    confidence: float
    shares: tuple[float, ...]


def observe(image: NDArray[np.uint8] | NDArray[np.float32], probabilities: NDArray[np.float32]) -> Observation:
    """The numbers of a picture (h, w, 3), uint8 or float32, RGB 0–255, and its probabilities (h, w, C) float32."""
    ids, confidence = winners(probabilities)
    pixels = np.bincount(ids.ravel(), minlength=probabilities.shape[-1])
    return Observation(
        brightness=float(image.mean()) / 255,
        confidence=float(confidence.mean(dtype=np.float64)),
        shares=tuple((pixels / ids.size).tolist()),
    )


def mean_observation(parts: Sequence[Observation]) -> Observation:
    """The numbers of a picture that the network saw in parts of equal size; at least one."""
    shares = np.mean([part.shares for part in parts], axis=0)
    return Observation(
        brightness=float(np.mean([part.brightness for part in parts])),
        confidence=float(np.mean([part.confidence for part in parts])),
        shares=tuple(shares.tolist()),
    )
