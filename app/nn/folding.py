"""Algebra of the inference graph: what becomes of a convolution's kernel when its neighbour is merged into it.

All of it is exact in real numbers; it is computed in float64 and rounded once.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Affine:
    """x ↦ scale · x + shift for each channel; both (C,) float64."""

    scale: Array
    shift: Array

    def part(self, start: int, stop: int) -> "Affine":
        """Of the channels start … stop − 1."""
        return Affine(self.scale[start:stop], self.shift[start:stop])


def batch_normalization(gamma: Array, beta: Array, mean: Array, variance: Array, epsilon: float) -> Affine:
    """A batch normalisation at inference: gamma (x − mean) / √(variance + epsilon) + beta, affine in each channel.

    Args:
        gamma, beta, mean, variance: each (C,), in the order of a Keras layer's weights.
        epsilon: the layer's.
    """
    scale = gamma / np.sqrt(variance + epsilon)
    return Affine(scale, beta - mean * scale)


def folded(kernel: Array, bias: Array, affine: Affine) -> tuple[Array, Array]:
    """Kernel and bias of one convolution equal to `affine` after a convolution.

    scale · (conv(x, kernel) + bias) + shift = conv(x, scale · kernel) + scale · bias + shift: convolution is linear in
    its kernel, and the affine map comes after it, so that the zero padding of its input does not matter.

    Args:
        kernel: (…, C), output channels last.
        bias: (C,).
        affine: of C channels.
    """
    return kernel * affine.scale, bias * affine.scale + affine.shift


def as_convolution(kernel: Array) -> Array:
    """Kernel of the convolution equal to a stride-1 transposed convolution with padding "same" and an odd kernel.

    The transposed one adds x[i] W[t] to y[i + t − 1]; so y[o] = Σ x[o + k − 1] W[2 − k] (for 3 taps): the kernel
    turned by half, input and output channels in a convolution's order. Both take what lies outside as zero.

    Args:
        kernel: (h, w, outputs, inputs), as `Conv2DTranspose` keeps it.

    Returns:
        (h, w, inputs, outputs), as `Conv2D` keeps it.
    """
    return kernel[::-1, ::-1].transpose(0, 1, 3, 2)


def after_upsampling(kernel: Array) -> Array:
    """Kernel of the stride-2 transposed convolution equal to conv3×3(upsample2×(z)): full_conv(ones(2, 2), flip(K)).

    Nearest upsampling puts z[i] at 2i + a, a = 0, 1; the convolution adds K[k] times that to position 2i + a − k + 1.
    So z[i] reaches 2i − 1 + t, t = 0 … 3, with Σ K[k] over a + 2 − k = t: 4 taps from 6. Padding "same" of a transposed
    convolution with 4 taps and stride 2 drops one position at either end, which is where those of t start (−1), and
    outside of z there is nothing to add, as there is nothing but zeros around the upsampled picture: exact at the rim.

    Args:
        kernel: (3, 3, inputs, outputs) of the convolution.

    Returns:
        (4, 4, outputs, inputs), as `Conv2DTranspose` keeps it.
    """
    flipped = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    summed = np.zeros((4, 4, *flipped.shape[2:]), flipped.dtype)
    for row in (0, 1):
        for column in (0, 1):
            summed[row : row + 3, column : column + 3] += flipped
    return summed
