import doctest
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from app.nn import unet_xception as module
from app.nn.config import UNetXceptionConfig
from app.nn.losses import CrossEntropyDice
from app.nn.unet_xception import copy_weights, unet_xception
from tests.nn.configurations import (
    COMBINATIONS,
    drawn_network,
    drawn_probabilities,
    each_combination,
    each_configuration,
    pictures,
)


@pytest.fixture
def article_network() -> Any:
    """The article's network with drawn weights."""
    return drawn_network(UNetXceptionConfig())


def test_article_network_has_its_parameters(article_network: Any) -> None:
    assert article_network.count_params() == 2_058_979
    assert sum(np.prod(weight.shape) for weight in article_network.trainable_weights) == 2_055_203
    assert article_network.input_shape == (None, 160, 160, 3)
    assert article_network.output_shape == (None, 160, 160, 3)


def test_layer_names_are_stable(article_network: Any) -> None:
    names = [layer.name for layer in article_network.layers]
    assert {"image", "pixel_scaling", "stem_conv", "stem_batchnorm", "head_conv", "head_softmax"} <= set(names)
    assert [name for name in names if name.startswith("down1")] == [
        "down1_relu1",
        "down1_sepconv1",
        "down1_batchnorm1",
        "down1_relu2",
        "down1_sepconv2",
        "down1_batchnorm2",
        "down1_pool",
        "down1_shortcut",
        "down1_add",
    ]
    assert sorted(name for name in names if name.startswith("up4")) == [
        "up4_add",
        "up4_batchnorm1",
        "up4_batchnorm2",
        "up4_convtranspose1",
        "up4_convtranspose2",
        "up4_relu1",
        "up4_relu2",
        "up4_shortcut",
        "up4_shortcut_upsample",
        "up4_upsample",
    ]
    assert sum(name.endswith("_shortcut") for name in names) == 7


@each_configuration
def test_output_is_a_distribution_over_the_classes_of_each_pixel(config: UNetXceptionConfig) -> None:
    answer = drawn_probabilities(config)
    assert answer.shape == (2, *config.input_size, config.classes)
    assert answer.dtype == np.float32
    assert answer.min() >= 0.0
    np.testing.assert_allclose(answer.sum(axis=-1), 1.0, atol=1e-5)


def test_integers_and_floats_of_one_picture_give_one_answer() -> None:
    config = COMBINATIONS[0]
    integers = pictures(config).astype(np.uint8)
    np.testing.assert_array_equal(drawn_network(config)(integers), drawn_probabilities(config))


@each_combination
def test_training_step_reaches_every_kernel(config: UNetXceptionConfig) -> None:
    model = unet_xception(config)
    logits = keras.Model(model.input, model.get_layer("head_conv").output)
    logits.compile(keras.optimizers.SGD(0.1), CrossEntropyDice(), run_eagerly=True)
    kernels = [weight for weight in model.trainable_weights if "kernel" in weight.name]
    before = [np.array(kernel) for kernel in kernels]
    loss = logits.train_on_batch(pictures(config), np.random.default_rng(4).integers(0, 3, (2, *config.input_size)))
    assert np.isfinite(loss)
    assert not [kernel.path for kernel, old in zip(kernels, before, strict=True) if np.array_equal(kernel, old)]


@each_combination
def test_saved_and_reloaded_gives_equal_outputs(config: UNetXceptionConfig, tmp_path: Path) -> None:
    model = drawn_network(config)
    model.save(tmp_path / "model.keras")
    reloaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(reloaded(pictures(config)), model(pictures(config)))
    assert [layer.name for layer in reloaded.layers] == [layer.name for layer in model.layers]


def test_weights_of_another_configuration_are_refused() -> None:
    small = unet_xception(UNetXceptionConfig(input_size=(16, 16), filters=(8,)))
    wider = unet_xception(UNetXceptionConfig(input_size=(16, 16), filters=(16,)))
    deeper = unet_xception(UNetXceptionConfig(input_size=(16, 16), filters=(8, 16)))
    with pytest.raises(ValueError, match="shape"):
        copy_weights(small, wider)
    with pytest.raises(ValueError, match="down2"):
        copy_weights(small, deeper)


def test_example_of_the_docstring_is_true() -> None:
    results = doctest.testmod(module)
    assert (results.attempted, results.failed) == (1, 0)
