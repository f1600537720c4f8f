"""Pictures of any size through a network, many at a time, each as serving shows it to the network."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from app.core.errors import TrainingError
from app.imaging.geometry import Geometry, ResizeRule, resize_picture
from app.imaging.windows import blend, infer_windows, output_geometry

Array = np.ndarray[Any, np.dtype[Any]]
Predict = Callable[[Array], Array]
"""(B, h, w, 3) float32 RGB 0–255 → probabilities (B, h, w, C) float32."""

BATCH = 16


def batch_size(rule: ResizeRule) -> int:
    """How many pictures to have in memory at a time: one where probabilities are of the picture's own size."""
    return 1 if rule == "crop" else BATCH


def fitted(pictures: Sequence[Array], size: tuple[int, int], rule: ResizeRule) -> tuple[list[Geometry], list[Array]]:
    """Pictures (H, W, 3) uint8 of any sizes as `predicted` takes them.

    Returns:
        How each lies in its probabilities, and its pixels: (h, w, 3) uint8, or all where the network sees windows.
    """
    geometries = [output_geometry((picture.shape[0], picture.shape[1]), size, rule) for picture in pictures]
    if rule == "crop":
        return geometries, list(pictures)
    return geometries, [resize_picture(*pair) for pair in zip(pictures, geometries, strict=True)]


def predicted(predict: Predict, pictures: Sequence[Array], size: tuple[int, int], rule: ResizeRule) -> list[Array]:
    """Probabilities of fitted pictures: (h, w, C) float32 each, or of the picture's size.

    Raises:
        TrainingError: they are not finite.
    """
    if rule != "crop":
        return list(_finite(predict(np.stack(pictures).astype(np.float32))))
    return [_in_windows(predict, pixels, size) for pixels in pictures]


def _in_windows(predict: Predict, pixels: Array, size: tuple[int, int]) -> Array:
    def infer(images: list[Array]) -> Iterator[Array]:
        for first in range(0, len(images), BATCH):
            yield from _finite(predict(np.stack(images[first : first + BATCH]).astype(np.float32)))

    bands = blend(infer_windows(pixels, size, infer), (pixels.shape[0], pixels.shape[1]))
    return np.concatenate([band for _, band in bands])


def mirrored(predict: Predict, pictures: Sequence[Array], size: tuple[int, int], rule: ResizeRule) -> list[Array]:
    """Probabilities of fitted pictures as the network sees them in a mirror, mirrored back."""
    in_mirror = [np.ascontiguousarray(picture[:, ::-1]) for picture in pictures]
    return [probabilities[:, ::-1] for probabilities in predicted(predict, in_mirror, size, rule)]


def _finite(probabilities: Array) -> Array:
    if not np.isfinite(probabilities).all():
        raise TrainingError("the network gives probabilities that are not finite: its training has diverged")
    return probabilities
