import json
from typing import Any

import pytest

from app.nn.config import UNetXceptionConfig
from tests.nn.configurations import each_configuration


def test_defaults_are_the_articles() -> None:
    config = UNetXceptionConfig()
    assert config.input_size == (160, 160)
    assert config.decoder_filters == (256, 128, 64, 32)
    assert (config.depth, config.stride, config.stem_filters) == (3, 16, 32)


@each_configuration
def test_round_trip_through_json(config: UNetXceptionConfig) -> None:
    assert UNetXceptionConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_the_decoder_mirrors_the_encoder_unless_it_is_given() -> None:
    assert UNetXceptionConfig(filters=(28, 52, 96)).decoder_filters == (96, 52, 28, 14)
    assert UNetXceptionConfig(filters=(28, 52, 96), decoder=(256, 128, 64, 32)).decoder_filters == (256, 128, 64, 32)


def test_only_what_differs_from_the_defaults_need_be_given() -> None:
    assert UNetXceptionConfig.from_dict({"classes": 2}) == UNetXceptionConfig(classes=2)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"input_size": (160, 168)}, r"input_size \(160, 168\).*multiples of 16"),
        ({"input_size": (0, 160)}, "input_size"),
        ({"input_size": (-16, 160)}, "input_size"),
        ({"input_size": (160, 160, 3)}, "input_size"),
        ({"input_size": (16, 16), "filters": (8, 16, 32, 64)}, r"multiples of 32 \(2\^\(depth \+ 1\), depth 4\)"),
        ({"classes": 1}, "classes 1"),
        ({"classes": 256}, "classes 256"),
        ({"filters": ()}, "filters"),
        ({"filters": (8, 0)}, "filters"),
        ({"filters": (6,)}, r"filters \(6,\).*multiple of 4"),
        ({"block": "dense"}, r"block 'dense'.*separable, inception, conv"),
        ({"intermediate_activation": "gelu"}, "intermediate_activation 'gelu'"),
        ({"intermediate_activation": "relu", "block": "conv"}, r"intermediate_activation.*separable"),
        ({"intermediate_activation": "elu", "block": "inception"}, r"intermediate_activation.*separable"),
        ({"decoder": (64, 32, 16)}, r"decoder \(64, 32, 16\): 4 positive numbers \(depth 3 \+ 1\)"),
        ({"filters": (8,), "decoder": (8, 0)}, r"decoder \(8, 0\): 2 positive numbers"),
    ],
)
def test_values_outside_the_rules_are_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        UNetXceptionConfig(**values)
    with pytest.raises(ValueError, match=message):
        UNetXceptionConfig.from_dict(values)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown architecture option.*: depth, width"):
        UNetXceptionConfig.from_dict({"width": 3, "depth": 2, "classes": 3})


def test_limits_are_allowed() -> None:
    smallest = UNetXceptionConfig(input_size=(4, 4), classes=2, filters=(4,))
    assert smallest.decoder_filters == (4, 2)
    assert UNetXceptionConfig(classes=255).classes == 255
