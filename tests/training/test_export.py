import importlib.util
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from app.core.architecture import ArchitectureSummary
from app.core.errors import ConfigurationError, PublishError, TrainingError
from app.nn.config import UNetXceptionConfig
from app.nn.unet_xception import unet_xception
from app.training import export as module
from app.training.evaluation.temperature import tempered
from app.training.export import (
    TOLERANCE,
    Exported,
    divide_logits,
    export_network,
    has_openvino,
    load_network,
    require_parity,
    weights_checksum,
)
from tests.fixtures.tiny_model import tiny_network
from tests.training.drawn_pets import Array

CONFIG = UNetXceptionConfig(input_size=(16, 16), classes=3, filters=(8,))
PICTURES: Array = np.random.default_rng(0).uniform(0, 255, (4, 16, 16, 3)).astype(np.float32)


def without_openvino() -> Any:
    raise ConfigurationError("OpenVINO is not installed")


def test_a_network_at_another_size(tmp_path: Path) -> None:
    trained = tiny_network(CONFIG)
    trained.save(tmp_path / "best.keras")
    larger = load_network(tmp_path / "best.keras", UNetXceptionConfig((32, 24), 3, (8,)))
    assert larger.input_shape == (None, 32, 24, 3)
    for found, expected in zip(larger.get_weights(), trained.get_weights(), strict=True):
        assert np.array_equal(found, expected)


def test_a_network_that_is_not_there_or_another(tmp_path: Path) -> None:
    path = tmp_path / "best.keras"
    with pytest.raises(TrainingError, match=r"best\.keras: missing; the run has no network yet"):
        load_network(path, CONFIG)
    path.write_bytes(b"no network")
    with pytest.raises(TrainingError, match=r"best\.keras: not the network of this run"):
        load_network(path, CONFIG)
    unet_xception(CONFIG).save(path)
    with pytest.raises(TrainingError, match=r"best\.keras: not the network of this run"):
        load_network(path, UNetXceptionConfig((16, 16), 3, (12,)))


def test_the_forms_of_a_network_without_openvino(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "import_openvino", without_openvino)
    assert not has_openvino()
    network = tiny_network(CONFIG)
    exported = export_network(network, CONFIG, tmp_path)
    assert {name: path.relative_to(tmp_path).as_posix() for name, path in exported.files.items()} == {
        "model.keras": "model.keras",
        "architecture.json": "architecture.json",
    }
    assert set(exported.forms) == {"keras", "rewritten"}
    assert exported.serving is exported.forms["rewritten"]
    assert 0 < require_parity(exported, PICTURES)["rewritten"] < TOLERANCE
    reloaded = keras.saving.load_model(exported.files["model.keras"], compile=False)
    assert np.allclose(reloaded(PICTURES), exported.forms["keras"](PICTURES), atol=1e-6)
    summary = ArchitectureSummary.from_json(exported.files["architecture.json"].read_text())
    assert summary.config["filters"] == [8]
    assert json.loads(exported.files["architecture.json"].read_text())["layers"][0]["name"] == "image"


def test_openvino_is_an_extra() -> None:
    assert has_openvino() == (importlib.util.find_spec("openvino") is not None)


def forms(**differences: float) -> Exported:
    def shifted(difference: float) -> Any:
        return lambda pictures: np.full((*pictures.shape[:3], 3), 1 / 3 + difference, np.float32)

    return Exported({}, {"keras": shifted(0), **{name: shifted(value) for name, value in differences.items()}})


def test_forms_that_agree() -> None:
    found = require_parity(forms(rewritten=0.9e-4, openvino=0), PICTURES)
    assert found == {"rewritten": pytest.approx(0.9e-4, rel=0.01), "openvino": 0}


@pytest.mark.parametrize("difference", [1.1e-4, -0.3, float("nan")])
def test_a_form_that_differs(difference: float) -> None:
    with pytest.raises(PublishError, match=r"the openvino graph differs from the Keras network by .* nothing was"):
        require_parity(forms(rewritten=0, openvino=difference), PICTURES)


def test_openvino_serves_where_it_is() -> None:
    exported = forms(rewritten=0, openvino=0.1)
    assert exported.serving is exported.forms["openvino"]


def test_a_temperature_lives_in_the_head(tmp_path: Path) -> None:
    network = tiny_network(CONFIG)
    before = network.predict_on_batch(PICTURES)
    divide_logits(network, 2.5)
    exported = export_network(network, CONFIG, tmp_path)
    for predict in exported.forms.values():
        assert np.allclose(predict(PICTURES), tempered(before, 2.5), atol=1e-5)
    divide_logits(network, 1 / 2.5)
    assert np.allclose(network.predict_on_batch(PICTURES), before, atol=1e-5)


def test_the_same_weights_have_the_same_checksum(tmp_path: Path) -> None:
    network = tiny_network(CONFIG)
    for name in ("a", "b"):
        network.save(tmp_path / f"{name}.keras")
    divide_logits(network, 1.01)
    network.save(tmp_path / "c.keras")
    (tmp_path / "d.keras").write_bytes(b"no network")
    first, second, other, none, missing = (weights_checksum(tmp_path / f"{name}.keras") for name in "abcde")
    assert first is not None
    assert first == second != other
    assert (none, missing) == (None, None)
