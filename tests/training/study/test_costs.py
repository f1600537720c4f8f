import pytest

from app.inference.selection import is_installed
from app.training.config import load_config
from app.training.machine import processor
from app.training.study.configurations import configurations
from app.training.study.costs import cost, measure_times
from tests.training.study.drawn_study import tiny_config


def test_costs_of_the_article_network() -> None:
    config = load_config(None, ["steps=1"])
    found = cost(configurations(config.network)[0], config, classes=3)
    assert (found.name, found.question, found.measure) == ("base", None, "final")
    assert (found.parameters, found.encoder_parameters, found.separable_parameters) == (2_058_979, 184_032, 135_968)
    assert found.macs == 621_414_400


def test_an_activation_in_the_middle_leaves_the_separable_convolutions_what_they_are() -> None:
    config = tiny_config()
    networks = {network.name: network for network in configurations(config.network)}
    base, relu, plain = (cost(networks[name], config, 3) for name in ("base", "relu", "convolution"))
    assert relu.separable_parameters == base.separable_parameters > 0
    assert plain.separable_parameters == 0
    assert plain.claim is None
    assert relu.claim == "worse"


@pytest.mark.parametrize(
    "openvino",
    [pytest.param(True, marks=pytest.mark.skipif(not is_installed("openvino"), reason="OpenVINO is an extra")), False],
)
def test_times_are_relative_to_the_base(openvino: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.training.export.has_openvino", lambda: openvino)
    config = tiny_config()
    networks = configurations(config.network)[:2]
    times = measure_times(networks, config, classes=3, rounds=2)
    assert times.engine.startswith("OpenVINO" if openvino else "TensorFlow")
    assert list(times.milliseconds) == list(times.ratio) == ["base", "inception"]
    assert times.ratio["base"] == 1
    assert times.rounds == 2
    assert times.machine == processor()
