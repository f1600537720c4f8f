from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest

from app.nn.config import UNetXceptionConfig
from app.nn.rewrite import inference_graph
from tests.fixtures.tiny_model import tiny_network
from tests.nn.configurations import (
    COMBINATIONS,
    SHAPES,
    drawn_graph,
    drawn_network,
    drawn_probabilities,
    each_configuration,
    named,
    pictures,
)


def kinds(model: Any) -> list[str]:
    return [type(layer).__name__ for layer in model.layers]


@each_configuration
def test_inference_graph_is_the_same_function(config: UNetXceptionConfig) -> None:
    np.testing.assert_allclose(drawn_graph(config)(pictures(config)), drawn_probabilities(config), rtol=0, atol=1e-5)
    assert drawn_probabilities(config).std() > 0.02  # it says something


def test_article_network_is_the_same_function() -> None:
    config = UNetXceptionConfig()
    np.testing.assert_allclose(drawn_graph(config)(pictures(config)), drawn_probabilities(config), rtol=0, atol=1e-5)


@pytest.fixture
def float64() -> Iterator[None]:
    """Layers compute in float64."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(policy)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    "config",
    [UNetXceptionConfig((32, 64), filters=(8, 16, 16, 8), block="inception"), SHAPES[0]],
    ids=named,
)
def test_what_differs_is_rounding_alone(config: UNetXceptionConfig) -> None:
    """In float64 the features before the head agree to twelve digits (the head computes in float32)."""
    model = tiny_network(config)
    graph = inference_graph(model, config)
    last = f"up{config.depth + 1}_add"
    plain = np.asarray(keras.Model(model.input, model.get_layer(last).output)(pictures(config)))
    features = np.asarray(keras.Model(graph.input, graph.get_layer(last).output)(pictures(config)))
    assert plain.dtype == features.dtype == np.float64
    np.testing.assert_allclose(
        features.repeat(2, axis=1).repeat(2, axis=2), plain, rtol=0, atol=1e-12 * np.abs(plain).max()
    )


def test_graph_has_the_layers_of_the_cheaper_computation() -> None:
    config = SHAPES[0]
    graph = drawn_graph(config)
    names = [layer.name for layer in graph.layers]
    assert "BatchNormalization" not in kinds(graph)
    assert kinds(graph).count("UpSampling2D") == config.depth  # of the shortcuts after the first
    assert [name for name in names if name.endswith("_upsampled")] == [
        "up2_conv1_upsampled",
        "up3_conv1_upsampled",
        "head_conv_upsampled",
    ]
    assert graph.get_layer("up2_shortcut").output.shape[1:] == (6, 10, 8)  # as up1 before its upsampling


def test_input_and_output_are_those_of_serving() -> None:
    config = SHAPES[0]
    graph = drawn_graph(config)
    assert graph.input.name == "image"
    assert graph.input.dtype == "float32"
    assert graph.input_shape == (None, *config.input_size, 3)
    assert graph.output.dtype == "float32"
    assert graph.output_shape == (None, *config.input_size, config.classes)


def test_model_is_left_as_it_is() -> None:
    config = COMBINATIONS[0]
    before = drawn_network(config).get_weights()
    inference_graph(drawn_network(config), config)
    for old, new in zip(before, drawn_network(config).get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    "changes",
    [
        {"residual": False},
        {"filters": (8, 8)},
        {"filters": (16,)},
        {"classes": 4},
        {"block": "conv"},
        {"block": "inception"},
        {"intermediate_activation": "relu"},
    ],
)
def test_another_configuration_than_the_models_is_refused(changes: dict[str, Any]) -> None:
    given = UNetXceptionConfig(**{"input_size": (24, 16), "filters": (8,), **changes})
    with pytest.raises(ValueError, match=r"configuration|shape"):
        inference_graph(drawn_network(COMBINATIONS[0]), given)
