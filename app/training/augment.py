"""Joint augmentation of pictures and masks on the device: one affine resampling, colour, a part of another picture.

Only `keras.ops`, so that it runs wherever Keras runs. The random parameters come from `app.training.draw`.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from app.core.labels import UNDECIDED
from app.imaging.geometry import PAD
from app.training.dataset import MAX_PIXELS
from app.training.draw import Draw

Tensor = Any  # keras ships no types
Array = np.ndarray[Any, np.dtype[Any]]

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the grey that saturation fades to (ITU-R BT.601)."""


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function; with JAX, which would launch each of its operations alone, compiled into one."""
    if keras.backend.backend() != "jax":
        return function
    import jax  # type: ignore[import-not-found,unused-ignore]  # only where it is Keras' backend

    return jax.jit(function)  # type: ignore[no-any-return,unused-ignore]


class Augmenter:
    """Holds a data set on the device and draws augmented batches out of it.

    Args:
        pictures: (N, S, S, 3) uint8, RGB.
        masks: (N, S, S) uint8, class ids or 255.
        size: side of the batches.

    Raises:
        ValueError: shapes that do not fit each other, or more than 2^31 pixels (the index would overflow).
    """

    def __init__(self, pictures: Array, masks: Array, size: int) -> None:
        if pictures.shape[:3] != masks.shape or masks.shape[1] != masks.shape[2]:
            raise ValueError(f"pictures {pictures.shape} and masks {masks.shape} must be (N, S, S, 3) and (N, S, S)")
        if masks.size >= MAX_PIXELS:
            raise ValueError(f"{masks.size} pixels are too many for one device index; lower `stored_size`")
        self.size = size
        self._side = masks.shape[1]
        self._pictures = ops.convert_to_tensor(pictures.reshape(-1, 3))
        self._masks = ops.convert_to_tensor(masks.reshape(-1))
        self._augmented = compiled(self._augment)

    def batch(self, draw: Draw) -> tuple[Tensor, Tensor]:
        """The pictures (B, size, size, 3) float32, 0–255, and masks (B, size, size) uint8 of a draw.

        Where the resampling looks outside of the source, the picture is grey and the mask undecided.
        """
        first = draw.chosen * self._side**2
        return self._augmented(self._pictures, self._masks, first, draw.affine, draw.colour, draw.boxes)  # type: ignore[no-any-return]

    def _augment(
        self, pictures: Tensor, masks: Tensor, first: Tensor, affine: Tensor, colour: Tensor, boxes: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        x, y = self._source_coordinates(ops.convert_to_tensor(affine))
        first = ops.convert_to_tensor(first)[:, None, None]
        inside = (x > -0.5) & (x < self._side - 0.5) & (y > -0.5) & (y < self._side - 0.5)
        picture = recolour(self._bilinear(pictures, first, x, y), ops.convert_to_tensor(colour))
        picture = ops.where(inside[..., None], picture, float(PAD))
        mask = ops.take(masks, self._index(first, ops.round(x), ops.round(y)), axis=0)
        mask = ops.where(inside, mask, ops.cast(UNDECIDED, "uint8"))
        if boxes is None:
            return picture, mask
        other = self._in_box(ops.convert_to_tensor(boxes))
        return (
            ops.where(other[..., None], ops.roll(picture, 1, axis=0), picture),
            ops.where(other, ops.roll(mask, 1, axis=0), mask),
        )

    def _in_box(self, boxes: Tensor) -> Tensor:
        """Which output pixels lie in the rectangles (B, 4): (B, size, size) bool."""
        centres = (ops.arange(self.size, dtype="float32") + 0.5) / self.size
        left, top, right, bottom = (boxes[:, i, None] for i in range(4))
        columns, rows = (centres > left) & (centres < right), (centres > top) & (centres < bottom)
        return rows[:, :, None] & columns[:, None, :]

    def _source_coordinates(self, affine: Tensor) -> tuple[Tensor, Tensor]:
        """x and y in source pixels for each output pixel, (B, size, size) float32 each."""
        centres = (ops.arange(self.size, dtype="float32") + 0.5) / self.size - 0.5
        y, x = ops.meshgrid(centres, centres, indexing="ij")
        grid = ops.stack([x, y, ops.ones_like(x)], axis=-1)  # (size, size, 3)
        source = ops.einsum("bij,hwj->ibhw", affine, grid) * self._side - 0.5
        return source[0], source[1]

    def _index(self, first: Tensor, x: Tensor, y: Tensor) -> Tensor:
        column = ops.cast(ops.clip(x, 0, self._side - 1), "int32")
        row = ops.cast(ops.clip(y, 0, self._side - 1), "int32")
        return first + row * self._side + column

    def _bilinear(self, pictures: Tensor, first: Tensor, x: Tensor, y: Tensor) -> Tensor:
        left, top = ops.floor(x), ops.floor(y)
        right_share, bottom_share = (x - left)[..., None], (y - top)[..., None]

        def row(y: Tensor) -> Tensor:
            a = ops.cast(ops.take(pictures, self._index(first, left, y), axis=0), "float32")
            b = ops.cast(ops.take(pictures, self._index(first, left + 1, y), axis=0), "float32")
            return a + (b - a) * right_share

        upper = row(top)
        return upper + (row(top + 1) - upper) * bottom_share


def recolour(pictures: Tensor, colour: Tensor) -> Tensor:
    """Brightness, contrast, saturation and white balance of pictures (B, H, W, 3) float32, clipped to 0–255.

    Args:
        pictures: (B, H, W, 3) float32, 0–255.
        colour: (B, 6) float32: brightness offset, contrast factor, saturation factor, gains of red, green, blue.
    """
    brightness, contrast, saturation = (colour[:, i, None, None, None] for i in range(3))
    gains = colour[:, None, None, 3:]
    grey = ops.sum(pictures * np.array(LUMA, "float32"), axis=-1, keepdims=True)
    pictures = (grey + (pictures - grey) * saturation) * gains
    return ops.clip((pictures - 127.5) * contrast + 127.5 + brightness, 0.0, 255.0)
