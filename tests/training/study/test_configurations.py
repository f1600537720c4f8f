import pytest

from app.core.errors import TrainingError
from app.nn.config import UNetXceptionConfig
from app.training.config import NetworkConfig
from app.training.study.configurations import BASE, configurations

ARTICLE = NetworkConfig()


def test_eight_networks_each_of_which_differs_in_one_thing() -> None:
    networks = {network.name: network.network for network in configurations(ARTICLE)}
    changes = {
        name: {key: value for key, value in network.model_dump().items() if value != getattr(ARTICLE, key)}
        for name, network in networks.items()
    }
    assert changes == {
        BASE: {},
        "inception": {"block": "inception"},
        "convolution": {"block": "conv", "filters": (28, 52, 96), "decoder": (256, 128, 64, 32)},
        "no-shortcut": {"residual": False},
        "relu": {"intermediate_activation": "relu"},
        "elu": {"intermediate_activation": "elu"},
        "depth-2": {"filters": (64, 128)},
        "depth-4": {"filters": (64, 128, 256, 512)},
    }
    for network in networks.values():
        UNetXceptionConfig(input_size=(96, 96), **network.model_dump())


def test_what_the_verdicts_go_by() -> None:
    networks = configurations(ARTICLE)
    assert {network.name for network in networks if network.measure == "area"} == {"inception", "convolution"}
    assert {network.name for network in networks if network.question is None} == {BASE}
    claims = {network.name: network.claim for network in networks if network.claim}
    assert claims == {**dict.fromkeys(("inception", "no-shortcut", "relu", "elu"), "worse"), "depth-4": "not better"}


@pytest.mark.parametrize(
    "base", [NetworkConfig(residual=False), NetworkConfig(block="conv"), NetworkConfig(filters=(64,))], ids=str
)
def test_a_base_that_leaves_no_question(base: NetworkConfig) -> None:
    with pytest.raises(TrainingError, match="the study sets the switches itself"):
        configurations(base)
