"""The intervals are compared with what real networks do: which columns of the input change an output, and the gradient.

Networks with positive weights alone let every change through: nothing cancels out, no ReLU closes.
"""

import math
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from app.nn.config import UNetXceptionConfig
from app.nn.receptive_field import Seen, of_input, of_layer
from app.nn.rewrite import inference_graph
from app.nn.summary import summarise
from app.nn.unet_xception import unet_xception

Array = np.ndarray[Any, np.dtype[Any]]
ZERO = 127.5  # pixel value that is scaled to 0


def seen_by(layer: Any, side: int, channels: int = 4) -> list[tuple[int, int]]:
    """(first, last) input pixel of each position, along the width."""
    layer(keras.Input((side, side, channels)))
    seen = of_layer(layer, [of_input(side)], axis=1)
    return list(zip(seen.first.tolist(), seen.last.tolist(), strict=True))


def positive_network(config: UNetXceptionConfig) -> Any:
    model = unet_xception(config)
    for variable in model.variables:
        value = 0.0 if variable.name in ("bias", "beta", "moving_mean") else 1.0
        narrowing = math.prod(variable.shape[2:3])  # keeps the values in range
        variable.assign(np.full(variable.shape, value / narrowing, np.float32))
    return model


def responses(model: Any, columns: range) -> dict[str, Array]:
    """By layer: (positions, columns) bool, which columns of the input change which positions of the output."""
    names = [layer.name for layer in model.layers if isinstance(layer, layers.Layer)][1:-1]  # not image, not softmax
    probe = keras.Model(model.input, [model.get_layer(name).output for name in names])
    found: dict[str, list[Array]] = {name: [] for name in names}
    for start in range(columns.start, columns.stop, 32):
        some = range(start, min(start + 32, columns.stop))
        pictures = np.full((len(some), *model.input_shape[1:]), ZERO, np.float32)
        pictures[np.arange(len(some)), :, some] = 255.0
        for name, output in zip(names, probe(pictures), strict=True):
            found[name].append((np.asarray(output) != 0).any(axis=(1, 3)))
    return {name: np.concatenate(parts).T for name, parts in found.items()}


def measured_extent(response: Array, width: int, stride: int) -> int:
    """Largest extent over the positions of one stride in the middle; nothing of it touches the rim."""
    ratio = width // len(response)
    middle = range(width // 2 // ratio, (width // 2 + stride) // ratio)
    columns = [np.flatnonzero(response[position]) for position in middle]
    assert all(seen[0] > 0 and seen[-1] < response.shape[1] - 1 for seen in columns)
    return max(int(seen[-1] - seen[0]) + 1 for seen in columns)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (layers.Conv2D(1, 1, padding="same"), [(0, 0), (1, 1), (2, 2), (3, 3)]),
        (layers.Conv2D(1, 3, padding="same"), [(-1, 1), (0, 2), (1, 3), (2, 4)]),
        (layers.Conv2D(1, 3, strides=2, padding="same"), [(0, 2), (2, 4)]),
        (layers.Conv2D(1, 1, strides=2, padding="same"), [(0, 0), (2, 2)]),
        (layers.DepthwiseConv2D(5, padding="same"), [(-2, 2), (-1, 3), (0, 4), (1, 5)]),
        (layers.SeparableConv2D(1, 3, padding="same"), [(-1, 1), (0, 2), (1, 3), (2, 4)]),
        (layers.MaxPooling2D(3, strides=2, padding="same"), [(0, 2), (2, 4)]),
        (layers.MaxPooling2D(3, strides=1, padding="same"), [(-1, 1), (0, 2), (1, 3), (2, 4)]),
        (layers.Conv2DTranspose(1, 3, padding="same"), [(-1, 1), (0, 2), (1, 3), (2, 4)]),
        (layers.ReLU(), [(0, 0), (1, 1), (2, 2), (3, 3)]),
    ],
)
def test_windows_by_hand(layer: Any, expected: list[tuple[int, int]]) -> None:
    assert seen_by(layer, 4) == expected


def test_enlarging_layers_by_hand() -> None:
    assert seen_by(layers.UpSampling2D(2), 2) == [(0, 0), (0, 0), (1, 1), (1, 1)]
    assert seen_by(layers.Conv2DTranspose(1, 4, strides=2, padding="same"), 2) == [(-1, 0), (0, 1), (0, 1), (1, 2)]


def test_paths_are_united() -> None:
    image = keras.Input((4, 4, 1))
    near, far = layers.Conv2D(1, 3, padding="same")(image), layers.Conv2D(1, 5, padding="same")(image)
    joined = layers.Add()
    joined([near, far])
    inputs = [Seen(np.array([0, 3]), np.array([1, 4]), 8), Seen(np.array([1, 2]), np.array([1, 5]), 8)]
    seen = of_layer(joined, inputs, axis=1)
    assert (seen.first.tolist(), seen.last.tolist(), seen.extent) == ([0, 2], [1, 5], 4)


def test_map_goes_on_beyond_its_rim() -> None:
    seen = of_input(4).through(np.array([-5, 3]), np.array([-1, 9]))
    assert (seen.first.tolist(), seen.last.tolist(), seen.extent) == ([-5, 3], [-1, 9], 7)


def test_upsampling_makes_the_extent_differ_between_positions() -> None:
    """A 3×3 convolution of an upsampled picture sees 2 pixels of it at every position, not 3; two of them, 3 or 4."""
    up, first, second = (layers.UpSampling2D(2), *(layers.Conv2D(1, 3, padding="same") for _ in range(2)))
    second(first(up(keras.Input((4, 4, 1)))))
    after_first = of_layer(first, [of_layer(up, [of_input(4)], 0)], 0)
    after_second = of_layer(second, [after_first], 0)
    assert set((after_first.last - after_first.first + 1).tolist()) == {2}
    assert set((after_second.last - after_second.first + 1).tolist()) == {3}


def test_layers_of_an_unknown_kind_are_refused() -> None:
    with pytest.raises(ValueError, match=r"pool.*AveragePooling2D"):
        seen_by(layers.AveragePooling2D(2, name="pool"), 4)


@pytest.mark.parametrize(
    "config",
    [
        UNetXceptionConfig(input_size=(8, 160), filters=(4, 4)),
        UNetXceptionConfig(input_size=(8, 160), filters=(4, 4), block="inception", residual=False),
        UNetXceptionConfig(input_size=(8, 160), filters=(4, 4), block="conv", residual=False),
        UNetXceptionConfig(input_size=(4, 96), filters=(4,), intermediate_activation="elu"),
    ],
)
def test_each_layer_sees_the_columns_that_change_it(config: UNetXceptionConfig) -> None:
    width = config.input_size[1]
    model = positive_network(config)
    for network in (model, inference_graph(model, config)):
        fields = {layer.name: layer.receptive_field[1] for layer in summarise(network, config).layers}
        found = responses(network, range(width))
        assert {name: measured_extent(found[name], width, config.stride) for name in found} == {
            name: fields[name] for name in found
        }


def test_article_network_sees_what_its_gradient_reaches() -> None:
    """All outputs of one period in the middle. Averages in place of maxima, whose gradient has one way only."""
    import tensorflow as tf

    config = UNetXceptionConfig(input_size=(16, 288), filters=(4, 4, 4))  # the extent does not depend on widths
    model = positive_network(config)
    averaging = keras.models.clone_model(model, clone_function=with_average_pooling)
    averaging.set_weights(model.get_weights())
    logits = keras.Model(averaging.input, averaging.get_layer("head_conv").output)
    # Two pictures: for one, oneDNN (TensorFlow 2.21) writes past the kernel's gradient of the narrow stride-2 shortcut.
    picture = tf.Variable(np.full((2, 16, 288, 3), 255.0, np.float32))
    with tf.GradientTape(persistent=True) as tape:
        columns = tf.reduce_sum(logits(picture), axis=(0, 1, 3))[144 : 144 + config.stride]
    gradients = np.asarray(tape.jacobian(columns, picture, experimental_use_pfor=False))
    reached = [np.flatnonzero(gradient.any(axis=(0, 1, 3))) for gradient in gradients]
    assert all(seen[0] > 0 and seen[-1] < 287 for seen in reached)
    extent = max(seen[-1] - seen[0] + 1 for seen in reached)
    assert extent == 215
    assert summarise(model, config).totals.receptive_field == (extent, extent)


def with_average_pooling(layer: Any) -> Any:
    if not isinstance(layer, layers.MaxPooling2D):
        return type(layer).from_config(layer.get_config())
    return layers.AveragePooling2D(layer.pool_size, strides=layer.strides, padding=layer.padding, name=layer.name)
