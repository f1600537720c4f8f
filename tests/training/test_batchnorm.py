from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from app.training.batchnorm import reestimate_batchnorm
from tests.fixtures.tiny_model import tiny_network
from tests.training.drawn_pets import Array


@pytest.fixture
def network() -> keras.Model:
    return tiny_network()


def batches(count: int) -> list[Array]:
    random = np.random.default_rng(4)
    means = random.uniform(40, 210, (count, 4, 1, 1, 3))
    return [np.clip(mean + random.normal(0, 30, (4, 32, 32, 3)), 0, 255).astype(np.float32) for mean in means]


def momenta(network: keras.Model) -> list[float]:
    return [layer.momentum for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]


def test_the_statistics_are_the_mean_of_the_batches_own(network: keras.Model) -> None:
    given = batches(3)
    stem = keras.Model(network.input, network.get_layer("stem_conv").output)
    seen = [ops.convert_to_numpy(stem(pictures)) for pictures in given]
    before = momenta(network)
    reestimate_batchnorm(network, given)
    norm = network.get_layer("stem_batchnorm")
    assert np.allclose(norm.moving_mean, np.mean([x.mean(axis=(0, 1, 2)) for x in seen], axis=0), rtol=1e-4, atol=1e-5)
    assert np.allclose(norm.moving_variance, np.mean([x.var(axis=(0, 1, 2)) for x in seen], axis=0), rtol=1e-3)
    assert momenta(network) == before


def test_with_one_batch_inference_on_it_is_as_in_training(network: keras.Model) -> None:
    pictures = batches(1)[0]
    in_training = ops.convert_to_numpy(network(pictures, training=True))
    before = ops.convert_to_numpy(network(pictures, training=False))
    reestimate_batchnorm(network, iter([pictures]))
    after = ops.convert_to_numpy(network(pictures, training=False))
    assert np.abs(after - in_training).max() < 1e-3
    assert np.abs(before - in_training).max() > 0.05


def test_a_failure_changes_nothing_for_good(network: keras.Model) -> None:
    before = momenta(network)

    def broken() -> Iterator[Any]:
        raise OSError("no data")
        yield

    with pytest.raises(OSError, match="no data"):
        reestimate_batchnorm(network, broken())
    with pytest.raises(ValueError, match="at least one batch"):
        reestimate_batchnorm(network, [])
    assert momenta(network) == before
    norm = network.get_layer("stem_batchnorm")
    assert np.array_equal(norm.moving_mean, tiny_network().get_layer("stem_batchnorm").moving_mean)
