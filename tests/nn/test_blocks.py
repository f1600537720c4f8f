from typing import Any

import keras
import numpy as np
import pytest

from app.nn.blocks import (
    down_block,
    encoder_convolution,
    inception_convolution,
    inception_width,
    pixel_scaling,
    separable_convolution,
    up_block,
)
from app.nn.config import Block


def encoder_parameters(block: Block, filters: tuple[int, ...]) -> int:
    image = keras.Input((32, 32, filters[0] // 2))
    x = image
    for number, width in enumerate(filters, start=1):
        x = down_block(x, width, f"down{number}", block, residual=True, intermediate=None)
    return int(keras.Model(image, x).count_params())


def kinds(output: Any, image: Any) -> list[str]:
    return [type(layer).__name__ for layer in keras.Model(image, output).layers]


@pytest.mark.parametrize("filters", [(64, 128), (64, 128, 256), (64, 128, 256, 512), (16, 32, 64)])
def test_inception_encoder_has_as_many_parameters_as_the_separable_one(filters: tuple[int, ...]) -> None:
    assert encoder_parameters("inception", filters) == pytest.approx(encoder_parameters("separable", filters), rel=0.05)


def test_plain_encoder_has_many_more() -> None:
    assert encoder_parameters("conv", (64, 128, 256)) > 5 * encoder_parameters("separable", (64, 128, 256))


def test_inception_width_never_vanishes() -> None:
    assert inception_width(2, 4) == 1
    assert inception_width(32, 64) > 1


def test_inception_branches_mix_channels_and_see_different_extents() -> None:
    image = keras.Input((16, 16, 32))
    model = keras.Model(image, inception_convolution(image, 64, "block"))
    assert model.output_shape == (None, 16, 16, 64)
    kernels = {layer.name: layer.kernel.shape for layer in model.layers if isinstance(layer, keras.layers.Conv2D)}
    width = inception_width(32, 64)
    assert kernels == {
        "block_1x1": (1, 1, 32, 16),
        "block_3x3_reduce": (1, 1, 32, 2 * width),
        "block_3x3": (3, 3, 2 * width, 16),
        "block_5x5_reduce": (1, 1, 32, width),
        "block_5x5": (5, 5, width, 16),
        "block_pool_1x1": (1, 1, 32, 16),
    }
    assert model.get_layer("block_pool").pool_size == (3, 3)


def test_separable_convolution_is_one_layer_without_an_activation_in_the_middle() -> None:
    image = keras.Input((8, 8, 4))
    assert kinds(separable_convolution(image, 8, "block", None), image) == ["InputLayer", "SeparableConv2D"]


@pytest.mark.parametrize("activation", ["relu", "elu"])
def test_intermediate_activation_stands_between_depthwise_and_pointwise(activation: Any) -> None:
    image = keras.Input((8, 8, 4))
    model = keras.Model(image, separable_convolution(image, 8, "block", activation))
    assert [layer.name for layer in model.layers[1:]] == ["block_depthwise", f"block_{activation}", "block_pointwise"]
    assert model.get_layer(f"block_{activation}").activation is getattr(keras.activations, activation)
    plain = keras.Model(image, separable_convolution(image, 8, "plain", None))
    assert model.count_params() == plain.count_params()


def test_encoder_convolution_is_of_the_kind_asked_for() -> None:
    image = keras.Input((8, 8, 4))
    assert kinds(encoder_convolution(image, 8, "a", "conv", None), image)[-1] == "Conv2D"
    assert kinds(encoder_convolution(image, 8, "b", "inception", None), image)[-1] == "Concatenate"
    assert kinds(encoder_convolution(image, 8, "c", "separable", None), image)[-1] == "SeparableConv2D"


@pytest.mark.parametrize("residual", [True, False])
def test_down_block_halves_and_up_block_doubles(residual: bool) -> None:
    image = keras.Input((8, 12, 4))
    down = keras.Model(image, down_block(image, 8, "down1", "separable", residual, None))
    up = keras.Model(image, up_block(image, 8, "up1", residual))
    assert down.output_shape == (None, 4, 6, 8)
    assert up.output_shape == (None, 16, 24, 8)
    for model in (down, up):
        assert any("shortcut" in layer.name for layer in model.layers) is residual
        assert isinstance(model.layers[-1], keras.layers.Add) is residual


def test_pixels_are_scaled_around_zero() -> None:
    image = keras.Input((1, 3, 1), dtype="uint8")
    scaled = keras.Model(image, pixel_scaling(image))(np.array([0, 51, 255], np.uint8).reshape(1, 1, 3, 1))
    assert np.asarray(scaled).ravel() == pytest.approx([-1.0, -0.6, 1.0], abs=1e-6)
