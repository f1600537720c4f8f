import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from app.core.errors import ConfigurationError, TrainingError
from app.core.labels import LabelMap
from app.core.settings import Settings
from app.inference.loaded import load_model
from app.store.manifest import ManifestDraft
from app.store.publish import publish_version
from app.store.repository import ModelStore
from app.training import quantize
from app.training.dataset import read_sample
from app.training.quantize import Quantised, quantise_version, write_int8
from app.training.sources.oxford import OxfordPets
from tests.training.conftest import PublishedRun

OPENVINO = Settings(engine="openvino", device="cpu", threads=2)


@pytest.fixture(scope="module")
def made(
    published: PublishedRun, source: OxfordPets, tmp_path_factory: pytest.TempPathFactory
) -> tuple[ModelStore, Quantised]:
    """`pets:2`, made from `pets:1`."""
    store = ModelStore(shutil.copytree(published.store.root, tmp_path_factory.mktemp("int8") / "store"))
    return store, quantise_version("pets:1", source, store)


@pytest.fixture
def own_store(published: PublishedRun, tmp_path: Path) -> ModelStore:
    return ModelStore(shutil.copytree(published.store.root, tmp_path / "store"))


def test_a_version_of_its_own(made: tuple[ModelStore, Quantised]) -> None:
    store, quantised = made
    assert str(quantised.version) == "pets/2"
    before, manifest = store.manifest(store.resolve("pets:1")), store.verify(quantised.version)
    assert (before.precision, manifest.precision) == ("float32", "int8")
    assert manifest.files.keys() == {"openvino/model.xml", "openvino/model.bin", "architecture.json", "MODEL_CARD.md"}
    assert manifest.files["openvino/model.bin"].bytes < 0.6 * before.files["openvino/model.bin"].bytes
    assert manifest.training["quantisation"] == {
        "from": "pets/1",
        "sha256": store.resolve("pets:1").sha256,
        "calibration_pictures": 28,
    }
    assert (manifest.labels, manifest.data, manifest.temperature) == (before.labels, before.data, before.temperature)
    assert store.aliases("pets") == {"production": 1}


def test_its_quality_is_its_own(made: tuple[ModelStore, Quantised]) -> None:
    store, quantised = made
    assert quantised.float32 - quantised.int8 <= quantize.MOST_LOSS
    assert quantised.float32 == pytest.approx(quantised.int8, abs=0.05)
    manifest, before = store.manifest(quantised.version), store.manifest(store.resolve("pets:1"))
    assert manifest.metrics["test"].pictures == before.metrics["test"].pictures == 8
    assert manifest.metrics["test"].mean_iou != before.metrics["test"].mean_iou
    assert manifest.metrics["test"].mean_iou == pytest.approx(before.metrics["test"].mean_iou, abs=0.1)
    card = (quantised.version.path / "MODEL_CARD.md").read_text()
    assert card.startswith("# pets: U-Net Xception, int8")
    assert f"| int8 | {quantised.int8:.4f} |" in card
    assert card.endswith((store.resolve("pets:1").path / "MODEL_CARD.md").read_text())


def test_it_serves_nearly_the_same_masks(made: tuple[ModelStore, Quantised], source: OxfordPets) -> None:
    store, _ = made
    plain, int8 = (load_model(store, f"pets:{number}", OPENVINO) for number in (1, 2))
    assert (plain.identity.precision, int8.identity.precision) == ("f32", "int8")
    pixels, _ = read_sample(source, source.samples("test")[0])
    shares = (plain.segment(pixels) == int8.segment(pixels)).mean()
    assert 0.9 < shares <= 1
    probabilities = [model.engine.infer(np.full((1, 48, 48, 3), 120, np.uint8)) for model in (plain, int8)]
    assert 0 < np.abs(probabilities[0] - probabilities[1]).max() < 0.3
    for model in (plain, int8):
        model.close()


def test_it_is_for_openvino_only(made: tuple[ModelStore, Quantised]) -> None:
    with pytest.raises(ConfigurationError, match=r"tensorflow engine needs model\.keras"):
        load_model(made[0], "pets:2", Settings(engine="tensorflow", device="cpu"))


def test_too_much_loss_is_refused(own_store: ModelStore, source: OxfordPets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantize, "MOST_LOSS", -1.0)
    with pytest.raises(TrainingError, match=r"int8 costs .* mean IoU .* 28 pictures.* nothing was published"):
        quantise_version("pets", source, own_store)
    assert own_store.versions("pets") == [1]


def test_the_list_validation_decides_where_there_is_one(
    own_store: ModelStore, own_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = (own_data / "annotations" / "trainval.txt").read_text().splitlines(keepends=True)
    (own_data / "annotations" / "validation.txt").write_text("".join(lines[:5]))
    monkeypatch.setattr(quantize, "MOST_LOSS", -1.0)
    with pytest.raises(TrainingError, match=r", 4 pictures\)"):
        quantise_version("pets", OxfordPets(own_data), own_store)


def test_what_cannot_be_quantised(
    made: tuple[ModelStore, Quantised], own_store: ModelStore, source: OxfordPets, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = made
    with pytest.raises(TrainingError, match="pets/2 is int8 already"):
        quantise_version("pets:2", source, store)
    version = own_store.resolve("pets:1")
    manifest = own_store.manifest(version)
    draft = ManifestDraft(**{name: getattr(manifest, name) for name in ManifestDraft.model_fields})
    publish_version(own_store, "keras", draft, {"model.keras": version.path / "model.keras"})
    with pytest.raises(TrainingError, match=r"keras/1 has no openvino/model\.xml"):
        quantise_version("keras", source, own_store)
    renamed = OxfordPets(source.root)
    monkeypatch.setattr(renamed, "labels", LabelMap(source.labels.labels[:2]))
    with pytest.raises(TrainingError, match="has the classes pet, background, border, the data has pet, background"):
        quantise_version("pets", renamed, own_store)


def test_without_nncf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(ConfigurationError, match=r"pip install segserve\[quantize\]"):
        write_int8(tmp_path / "model.xml", tmp_path / "int8.xml", [])
