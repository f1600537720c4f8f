"""Receptive fields: which part of the input each position of a layer's output can see.

Closed formulas (kernel sizes times strides) go wrong after an upsampling, where neighbours no longer see the same
extent. So the interval of input pixels is followed for every position of every layer, along one side of the picture.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers

Array = np.ndarray[Any, np.dtype[np.int64]]
_WINDOWS = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D)
_POSITIONWISE = (
    layers.Rescaling,
    layers.BatchNormalization,
    layers.ReLU,
    layers.Activation,
    layers.Softmax,
    layers.Add,
    layers.Concatenate,
)


@dataclass(frozen=True)
class Seen:
    """What the positions of one side of a feature map see of an input without bounds.

    The map is taken to go on forever: position i + len sees what i sees, `period` pixels further. So the rim cuts
    nothing off, which makes the fields those of the network and not of its input size; they may be larger than it.

    Args:
        first: (n,) first input pixel that position 0 … n − 1 sees; it never decreases.
        last: (n,) last one; it never decreases either.
        period: pixels of the input's side.
    """

    first: Array
    last: Array
    period: int

    @property
    def extent(self) -> int:
        """Pixels from the first to the last one seen, the largest over the positions."""
        return int((self.last - self.first).max()) + 1

    def through(self, first: Array, last: Array) -> "Seen":
        """Of positions that look at this map's positions `first` … `last`, which may lie outside of it."""
        return Seen(self._beyond(self.first, first), self._beyond(self.last, last), self.period)

    def _beyond(self, pixels: Array, positions: Array) -> Array:
        rounds, inside = np.divmod(positions, len(pixels))
        beyond: Array = pixels[inside] + rounds * self.period
        return beyond


def of_input(side: int) -> Seen:
    """Each pixel of an input side sees itself."""
    pixels = np.arange(side)
    return Seen(pixels, pixels, side)


def of_layer(layer: keras.layers.Layer, inputs: list[Seen], axis: int) -> Seen:
    """What the output of a layer sees.

    Args:
        layer: any kind that the networks of this package have.
        inputs: what its inputs see.
        axis: 0: height, 1: width.

    Raises:
        ValueError: a kind of layer whose window isn't known.
    """
    union = _union(inputs)
    if isinstance(layer, _POSITIONWISE):
        return union
    positions = np.arange(layer.output.shape[1 + axis])
    if isinstance(layer, layers.UpSampling2D):
        looked_at = positions // layer.size[axis]
        return union.through(looked_at, looked_at)
    if isinstance(layer, layers.Conv2DTranspose):
        return union.through(*_transposed_window(layer, positions, axis))
    if isinstance(layer, _WINDOWS):
        return union.through(*_window(positions, len(union.first), layer.kernel_size[axis], layer.strides[axis]))
    if isinstance(layer, layers.MaxPooling2D):
        return union.through(*_window(positions, len(union.first), layer.pool_size[axis], layer.strides[axis]))
    raise ValueError(f"{layer.name}: no receptive field is known for layers of kind {type(layer).__name__}")


def _union(maps: list[Seen]) -> Seen:
    first = np.minimum.reduce([seen.first for seen in maps])
    last = np.maximum.reduce([seen.last for seen in maps])
    return Seen(first, last, maps[0].period)


def _window(positions: Array, side: int, size: int, stride: int) -> tuple[Array, Array]:
    """First and last position under a window with padding "same"; an odd pixel of padding comes after."""
    padding = max((len(positions) - 1) * stride + size - side, 0)
    first = positions * stride - padding // 2
    return first, first + size - 1


def _transposed_window(layer: keras.layers.Layer, positions: Array, axis: int) -> tuple[Array, Array]:
    """First and last input position i that reaches o = stride · i + tap − padding, tap = 0 … size − 1."""
    size, stride = layer.kernel_size[axis], layer.strides[axis]
    reach = positions + max(size - stride, 0) // 2
    return -((size - 1 - reach) // stride), reach // stride
