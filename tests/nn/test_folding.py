from typing import Any

import numpy as np
import pytest

from app.nn.folding import Affine, after_upsampling, as_convolution, batch_normalization, folded

Array = np.ndarray[Any, np.dtype[Any]]
RANDOM = np.random.default_rng(2)


def convolved(x: Array, kernel: Array) -> Array:
    """Padding "same", stride 1, written out; x (h, w, inputs), kernel (3, 3, inputs, outputs)."""
    height, width = x.shape[:2]
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    result: Array = np.zeros((height, width, kernel.shape[3]))
    for row in range(3):
        for column in range(3):
            result += padded[row : row + height, column : column + width] @ kernel[row, column]
    return result


def transposed(x: Array, kernel: Array, stride: int) -> Array:
    """Transposed convolution with padding "same", written out; kernel (k, k, outputs, inputs)."""
    height, width = x.shape[:2]
    size = kernel.shape[0]
    full = np.zeros((stride * (height - 1) + size, stride * (width - 1) + size, kernel.shape[2]))
    for row in range(height):
        for column in range(width):
            area = full[stride * row : stride * row + size, stride * column : stride * column + size]
            area += kernel @ x[row, column]
    start = (size - stride) // 2
    return full[start : start + stride * height, start : start + stride * width]


def test_batch_normalization_is_an_affine_map() -> None:
    gamma, beta, mean = np.array([2.0, -1.0]), np.array([0.5, 0.0]), np.array([1.0, 3.0])
    affine = batch_normalization(gamma, beta, mean, variance=np.array([3.0, 0.24]), epsilon=0.01)
    np.testing.assert_allclose(affine.scale, [2 / np.sqrt(3.01), -1 / 0.5])
    np.testing.assert_allclose(affine.shift, [0.5 - 2 / np.sqrt(3.01), 6.0])


def test_folded_convolution_equals_convolution_then_affine_map() -> None:
    x, kernel, bias = RANDOM.normal(size=(5, 4, 2)), RANDOM.normal(size=(3, 3, 2, 3)), RANDOM.normal(size=3)
    affine = Affine(RANDOM.normal(size=3), RANDOM.normal(size=3))
    new_kernel, new_bias = folded(kernel, bias, affine)
    expected = (convolved(x, kernel) + bias) * affine.scale + affine.shift
    np.testing.assert_allclose(convolved(x, new_kernel) + new_bias, expected, atol=1e-12)


def test_part_of_an_affine_map() -> None:
    part = Affine(np.arange(6.0), -np.arange(6.0)).part(2, 4)
    np.testing.assert_array_equal(part.scale, [2.0, 3.0])
    np.testing.assert_array_equal(part.shift, [-2.0, -3.0])


@pytest.mark.parametrize("shape", [(5, 4), (1, 1), (1, 3)])
def test_transposed_convolution_is_a_convolution_with_the_turned_kernel(shape: tuple[int, int]) -> None:
    x, kernel = RANDOM.normal(size=(*shape, 2)), RANDOM.normal(size=(3, 3, 4, 2))
    np.testing.assert_allclose(convolved(x, as_convolution(kernel)), transposed(x, kernel, 1), atol=1e-12)


@pytest.mark.parametrize("shape", [(5, 4), (1, 1), (1, 3)])
def test_convolution_after_upsampling_is_one_transposed_convolution_even_at_the_rim(shape: tuple[int, int]) -> None:
    x, kernel = RANDOM.normal(size=(*shape, 2)), RANDOM.normal(size=(3, 3, 2, 4))
    upsampled = x.repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_allclose(transposed(x, after_upsampling(kernel), 2), convolved(upsampled, kernel), atol=1e-12)


def test_kernel_after_upsampling_is_the_full_convolution_with_ones() -> None:
    kernel = np.zeros((3, 3, 1, 1))
    kernel[0, 2] = 1.0  # flipped: row 2, column 0
    expected = np.zeros((4, 4))
    expected[2:4, 0:2] = 1.0
    np.testing.assert_array_equal(after_upsampling(kernel)[..., 0, 0], expected)
