"""BatchNorm statistics for weights that were not trained as they are, such as averaged ones."""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np


def reestimate_batchnorm(network: keras.Model, batches: Iterable[Any]) -> None:
    """Replaces the moving mean and variance of every BatchNorm layer by those over the batches.

    The mean over the batches of the batches' own statistics, as a long moving average of them would have: what the
    layers normalise with in training is a batch.

    Args:
        network: changed in place.
        batches: pictures (B, H, W, 3) float32; at least one batch.

    Raises:
        ValueError: no batch.
    """
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in norms]
    means = [np.zeros(layer.moving_mean.shape) for layer in norms]
    variances = [np.zeros(layer.moving_variance.shape) for layer in norms]
    count = 0
    try:
        for layer in norms:
            layer.momentum = 0.0  # the moving statistics are then those of the last batch
        for pictures in batches:
            network(pictures, training=True)
            for index, layer in enumerate(norms):
                means[index] += np.array(layer.moving_mean)
                variances[index] += np.array(layer.moving_variance)
            count += 1
    finally:
        for layer, momentum in zip(norms, momenta, strict=True):
            layer.momentum = momentum
    if not count:
        raise ValueError("BatchNorm statistics need at least one batch")
    for layer, mean, variance in zip(norms, means, variances, strict=True):
        layer.moving_mean.assign(mean / count)
        layer.moving_variance.assign(variance / count)
