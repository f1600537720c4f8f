"""Configurations of the network that the tests of this folder go through."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from app.nn.config import UNetXceptionConfig
from app.nn.rewrite import inference_graph
from tests.fixtures.tiny_model import tiny_network

Array = np.ndarray[Any, np.dtype[Any]]

SMALL: dict[str, Any] = {"input_size": (24, 16), "filters": (8,)}
SWITCHES: tuple[dict[str, Any], ...] = (
    *({"intermediate_activation": activation, "residual": True} for activation in (None, "relu", "elu")),
    *({"intermediate_activation": activation, "residual": False} for activation in (None, "relu", "elu")),
    *({"block": block, "residual": residual} for block in ("inception", "conv") for residual in (True, False)),
)
"""Every valid combination of the three switches."""


def named(config: UNetXceptionConfig) -> str:
    """A test's identifier."""
    parts = [config.block, config.intermediate_activation, "residual" if config.residual else "plain", config.depth]
    return "-".join(str(part) for part in parts if part is not None)


COMBINATIONS = [UNetXceptionConfig(**{**SMALL, **switches}) for switches in SWITCHES]
SHAPES = [
    UNetXceptionConfig(input_size=(48, 80), filters=(8, 16), classes=2),
    UNetXceptionConfig(input_size=(16, 40), filters=(12, 8), classes=4, block="conv", residual=False),
    UNetXceptionConfig(input_size=(96, 64), filters=(8, 12, 16, 20), classes=5),
    UNetXceptionConfig(input_size=(24, 32), filters=(8, 12), block="conv", decoder=(20, 14, 6)),
]
"""Other depths, sides that are no power of two, filters that don't double, numbers of classes, a wider decoder."""

each_combination = pytest.mark.parametrize("config", COMBINATIONS, ids=named)
each_configuration = pytest.mark.parametrize("config", COMBINATIONS + SHAPES, ids=named)


@cache
def drawn_network(config: UNetXceptionConfig) -> Any:
    """The network with drawn weights, built once for all tests; read only.

    Its BatchNorm statistics are those of `pictures`, as training would leave them: else the features would grow from
    block to block beyond what a real network has, and float32's rounding with them.
    """
    model = tiny_network(config)
    normalizations = [layer for layer in model.layers if hasattr(layer, "moving_mean")]
    for layer in normalizations:
        layer.momentum = 0.0  # takes the batch's statistics as they are
    model(pictures(config), training=True)
    for layer in normalizations:
        layer.momentum = 0.99
    return model


@cache
def drawn_graph(config: UNetXceptionConfig) -> Any:
    """The inference graph of `drawn_network`; read only."""
    return inference_graph(drawn_network(config), config)


def pictures(config: UNetXceptionConfig) -> Array:
    """(2, h, w, 3) float32, noise of 0–255."""
    return np.random.default_rng(3).integers(0, 256, (2, *config.input_size, 3)).astype(np.float32)


@cache
def drawn_probabilities(config: UNetXceptionConfig) -> Array:
    """What `drawn_network` makes of `pictures`; read only."""
    return np.asarray(drawn_network(config)(pictures(config)))
