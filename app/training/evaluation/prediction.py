"""Pictures of any size through a network, many at a time, each as serving shows it to the network."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from app.core.errors import TrainingError
from app.imaging.geometry import Geometry, resize_picture
from app.imaging.windows import View, blend, infer_windows

Array = np.ndarray[Any, np.dtype[Any]]
Predict = Callable[[Array], Array]
"""(B, h, w, 3) float32 RGB 0–255 → probabilities (B, h, w, C) float32."""

BATCH = 16


def batch_size(view: View) -> int:
    """How many pictures to have in memory at a time: one where probabilities are of the picture's own size."""
    return 1 if view.in_windows else BATCH


def fitted(pictures: Sequence[Array], view: View) -> tuple[list[Geometry], list[Array]]:
    """Pictures (H, W, 3) uint8 of any sizes as `predicted` takes them.

    Returns:
        How each lies in its probabilities, and its pixels: (h, w, 3) uint8, or all where the network may see windows.
    """
    geometries = [view.geometry((picture.shape[0], picture.shape[1])) for picture in pictures]
    if view.in_windows:
        return geometries, list(pictures)
    return geometries, [resize_picture(*pair) for pair in zip(pictures, geometries, strict=True)]


def predicted(predict: Predict, pictures: Sequence[Array], view: View) -> list[Array]:
    """Probabilities of fitted pictures: (h, w, C) float32 each, or of the picture's size.

    Raises:
        TrainingError: they are not finite.
    """
    if view.in_windows:
        return [_one(predict, pixels, view) for pixels in pictures]
    return list(_finite(predict(np.stack(pictures).astype(np.float32))))


def _one(predict: Predict, pixels: Array, view: View) -> Array:
    def infer(images: list[Array]) -> Iterator[Array]:
        for first in range(0, len(images), BATCH):
            yield from _finite(predict(np.stack(images[first : first + BATCH]).astype(np.float32)))

    size = (pixels.shape[0], pixels.shape[1])
    if view.window(size) is None:
        return next(infer([resize_picture(pixels, view.geometry(size))]))
    bands = blend(infer_windows(pixels, view, infer), size)
    return np.concatenate([band for _, band in bands])


def mirrored(predict: Predict, pictures: Sequence[Array], view: View) -> list[Array]:
    """Probabilities of fitted pictures as the network sees them in a mirror, mirrored back."""
    in_mirror = [np.ascontiguousarray(picture[:, ::-1]) for picture in pictures]
    return [probabilities[:, ::-1] for probabilities in predicted(predict, in_mirror, view)]


def _finite(probabilities: Array) -> Array:
    if not np.isfinite(probabilities).all():
        raise TrainingError("the network gives probabilities that are not finite: its training has diverged")
    return probabilities
