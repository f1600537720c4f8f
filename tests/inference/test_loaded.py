import hashlib
import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.core.errors import ConfigurationError, CorruptVersionError, ModelNotFoundError
from app.core.settings import Settings
from app.imaging.geometry import resize_picture
from app.imaging.masks import segment_mask
from app.imaging.probabilities import ResizedProbabilities
from app.inference import loaded
from app.inference.engine import KERAS_FILE, OPENVINO_FILE, Images, Probabilities
from app.inference.loaded import LoadedModel, load_model, open_model
from app.inference.selection import EngineSelection, is_installed
from app.store.manifest import MANIFEST
from app.store.repository import ModelStore
from tests.fixtures.tiny_model import TINY_LABELS
from tests.inference.pictures import chelsea
from tests.inference.scripted import ScriptedEngine

needs_openvino = pytest.mark.skipif(not is_installed("openvino"), reason="OpenVINO is an extra")
OPENVINO = Settings(engine="openvino", device="cpu", threads=1)
TENSORFLOW = Settings(engine="tensorflow", device="cpu", threads=1)


@pytest.fixture
def own_store(tiny_store: ModelStore, tmp_path: Path) -> ModelStore:
    """A copy that a test may spoil."""
    shutil.copytree(tiny_store.root, tmp_path / "store")
    return ModelStore(tmp_path / "store")


def test_version_manifest_and_choice(model: LoadedModel, tiny_store: ModelStore) -> None:
    assert model.version == tiny_store.resolve("pets:1")
    assert model.manifest == tiny_store.manifest(model.version)
    assert model.labels == TINY_LABELS
    assert model.selection.reason == f"engine={model.engine.name} is set"


def test_identity(model: LoadedModel) -> None:
    sha256, engine = model.version.sha256, model.engine.name
    assert model.identity.header == f"pets/1; sha256={sha256}; engine={engine}; precision=f32"
    quantised = replace(model, manifest=model.manifest.model_copy(update={"precision": "int8"}))
    assert quantised.identity.precision == "int8"


def test_predict_resizes_as_the_manifest_says(model: LoadedModel) -> None:
    pixels = chelsea(75, 120)
    predicted = model.predict(pixels)
    assert isinstance(predicted, ResizedProbabilities)
    probabilities = predicted.probabilities
    assert probabilities.shape == (32, 32, 3)
    prepared = resize_picture(pixels, model.view().geometry((75, 120)))
    assert np.array_equal(probabilities, model.engine.infer(prepared[None])[0])
    shares = np.bincount(probabilities.argmax(axis=-1).ravel(), minlength=3) / 32**2
    assert shares.min() > 0.01  # the fixture is of use: every class occurs


def test_segment_gives_classes_at_the_pictures_size(model: LoadedModel) -> None:
    pixels = chelsea(75, 120)
    mask = model.segment(pixels)
    expected = segment_mask(model.predict(pixels), model.labels).classes
    assert mask.shape == (75, 120)
    assert mask.dtype == np.uint8
    assert np.array_equal(mask, expected)


def test_a_model_opened_by_its_name(tiny_store: ModelStore) -> None:
    model = open_model("pets", str(tiny_store.root))
    assert str(model.version) == str(tiny_store.resolve("pets"))
    assert model.segment(chelsea(20, 30)).shape == (20, 30)
    model.close()
    with pytest.raises(ModelNotFoundError):
        open_model("pets:7", tiny_store.root)


def test_unknown_model(tiny_store: ModelStore) -> None:
    with pytest.raises(ModelNotFoundError):
        load_model(tiny_store, "pets:7", TENSORFLOW)


@needs_openvino
def test_spoilt_weights_are_refused_before_parsing(own_store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = own_store.resolve("pets").path / "openvino" / "model.bin"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    monkeypatch.setattr(loaded, "_open_engine", lambda *_: pytest.fail("an engine was opened"))
    with pytest.raises(CorruptVersionError, match=r"openvino/model\.bin"):
        load_model(own_store, "pets", OPENVINO)


@pytest.mark.parametrize(
    ("file", "settings"),
    [pytest.param(OPENVINO_FILE, OPENVINO, marks=needs_openvino), (KERAS_FILE, TENSORFLOW)],
)
def test_a_file_that_is_what_the_manifest_says_but_no_network(
    own_store: ModelStore, file: str, settings: Settings
) -> None:
    version = own_store.resolve("pets")
    (version.path / file).write_bytes(b"nonsense")
    _put_right(version.path, file)
    with pytest.raises(CorruptVersionError, match=f"pets/1: the {settings.engine} engine cannot read its file"):
        load_model(own_store, "pets", settings)


def test_architecture_that_is_none(own_store: ModelStore) -> None:
    version = own_store.resolve("pets")
    _change_manifest(version.path, architecture={"filters": [7]})
    with pytest.raises(CorruptVersionError, match="cannot read its file"):
        load_model(own_store, "pets", TENSORFLOW)


def test_network_of_another_number_of_classes_than_the_labels(
    own_store: ModelStore, model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = own_store.resolve("pets")
    manifest = own_store.manifest(version)
    reference = manifest.reference.model_dump(mode="json")
    del reference["class_share"]["border"]
    _change_manifest(
        version.path,
        labels=[entry.model_dump() for entry in manifest.labels[:2]],
        reference=reference,
        metrics={},
    )
    with pytest.raises(CorruptVersionError, match=r"gives \(32, 32, 3\), the manifest says \(32, 32, 2\)"):
        load_model(own_store, "pets", Settings(engine=model.engine.name, device="cpu", threads=1))


def test_every_batch_size_is_warmed_up_in_every_stream(tiny_store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes: list[tuple[int, ...]] = []

    def note(images: Images) -> Probabilities:
        shapes.append(images.shape)
        return np.zeros((*images.shape[:3], 3), np.float32)

    engine = ScriptedEngine(note, streams=2)
    engine.batch_sizes = (1, 2, 4)
    monkeypatch.setattr(loaded, "_open_engine", lambda *_: engine)
    load_model(tiny_store, "pets", TENSORFLOW)
    assert shapes == [(size, 32, 32, 3) for size in (1, 1, 2, 2, 4, 4)]


def test_network_that_fails_at_a_batch_size_is_refused(tiny_store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_on_two(images: Images) -> Probabilities:
        value = np.nan if len(images) == 2 else 0.0
        return np.full((*images.shape[:3], 3), value, np.float32)

    engine = ScriptedEngine(fail_on_two)
    engine.batch_sizes = (1, 2)
    monkeypatch.setattr(loaded, "_open_engine", lambda *_: engine)
    with pytest.raises(CorruptVersionError, match=r"cannot be warmed up: .+ these 2 pictures"):
        load_model(tiny_store, "pets", TENSORFLOW)
    assert engine.closed


@needs_openvino
def test_errors_of_configuration_stay_what_they_are(tiny_store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.inference.openvino_engine.require_precision", _refuse)
    with pytest.raises(ConfigurationError, match="no such precision"):
        load_model(tiny_store, "pets", OPENVINO)


def test_gpu_that_is_not_used_is_said_in_the_log(
    tiny_store: ModelStore, model: LoadedModel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    chosen = EngineSelection(model.engine.name, "cpu", "the driver shows 1 GPU(s), but …", unused_gpus=1)
    monkeypatch.setattr(loaded, "choose_engine", lambda *_: chosen)
    with caplog.at_level(logging.WARNING):
        again = load_model(tiny_store, "pets", Settings(threads=1))
    again.close()
    assert again.selection.unused_gpus == 1
    assert "the driver shows 1 GPU(s)" in caplog.text


def _refuse(precision: str) -> None:
    raise ConfigurationError(f"no such precision: {precision}")


def _change_manifest(folder: Path, **values: object) -> None:
    file = folder / MANIFEST
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def _put_right(folder: Path, name: str) -> None:
    """Enters a changed file in the manifest."""
    content = (folder / name).read_bytes()
    files = json.loads((folder / MANIFEST).read_text())["files"]
    entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    _change_manifest(folder, files={**files, name: entry})
