from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from app.nn.config import UNetXceptionConfig
from app.nn.unet_xception import copy_weights
from app.training.graph import FusedBatchNormalization, UpsampledConvolution, training_graph
from tests.nn.configurations import SHAPES, drawn_network, drawn_probabilities, each_configuration, pictures
from tests.training.drawn_pets import Array


def noise(*shape: int) -> Array:
    return np.random.default_rng(2).normal(1, 3, shape).astype(np.float32)


def trained(config: UNetXceptionConfig) -> Any:
    graph = training_graph(config)
    copy_weights(drawn_network(config), graph)
    return graph


@each_configuration
def test_it_is_the_function_of_the_network(config: UNetXceptionConfig) -> None:
    graph = trained(config)
    assert graph.output.dtype == "float32"
    probabilities = ops.softmax(graph(pictures(config)))
    np.testing.assert_allclose(probabilities, drawn_probabilities(config), rtol=0, atol=1e-5)
    in_training = ops.softmax(graph(pictures(config), training=True))
    expected = drawn_network(config)(pictures(config), training=True)
    np.testing.assert_allclose(in_training, expected, rtol=0, atol=2e-5)


def test_its_gradients_are_those_of_the_network() -> None:
    import tensorflow as tf

    config = SHAPES[0]
    graph, network = trained(config), drawn_network(config)
    logits = keras.Model(network.input, network.get_layer("head_conv").output)
    found = []
    for model in (graph, logits):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(pictures(config), training=True) ** 2)
        weights = sorted(model.trainable_variables, key=lambda variable: variable.path)
        found.append(tape.gradient(loss, [weight.value for weight in weights]))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=2e-4)


@each_configuration
def test_its_weights_have_the_names_and_shapes_of_the_networks(config: UNetXceptionConfig) -> None:
    def shapes(model: Any) -> dict[str, list[tuple[int, ...]]]:
        return {layer.name: [weight.shape for weight in layer.weights] for layer in model.layers if layer.weights}

    assert shapes(training_graph(config)) == shapes(drawn_network(config))


@pytest.mark.parametrize("transposed", [True, False])
def test_convolution_of_the_upsampled_picture(transposed: bool) -> None:
    small = noise(2, 5, 7, 4)
    layer = UpsampledConvolution(6, transposed)
    found = layer(small)
    plain = (layers.Conv2DTranspose if transposed else layers.Conv2D)(6, 3, padding="same")
    plain.build((None, 10, 14, 4))
    layer.bias.assign(noise(6))
    plain.set_weights(layer.get_weights())
    found = layer(small)
    np.testing.assert_allclose(found, plain(layers.UpSampling2D(2)(small)), rtol=0, atol=2e-5)
    assert found.shape == layer.compute_output_shape(small.shape) == (2, 10, 14, 6)


def test_fused_normalisation_is_keras_own() -> None:
    inputs = noise(3, 4, 5, 6)
    fused, plain = FusedBatchNormalization(), layers.BatchNormalization()
    for layer in (fused, plain):
        layer.build(inputs.shape)
        layer.set_weights([noise(6), noise(6), noise(6), np.abs(noise(6))])
    np.testing.assert_allclose(fused(inputs, training=True), plain(inputs, training=True), rtol=0, atol=2e-5)
    for kept, expected in zip(fused.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(kept, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(fused(inputs), plain(inputs), rtol=0, atol=2e-5)


def test_without_tensorflow_it_is_keras_own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "another")
    inputs = noise(3, 4, 5, 6)
    assert np.array_equal(
        FusedBatchNormalization()(inputs, training=True), layers.BatchNormalization()(inputs, training=True)
    )
