import importlib.metadata
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from app.core.architecture import ArchitectureSummary
from app.core.errors import PublishError, TrainingError
from app.core.settings import Settings
from app.imaging.geometry import resize_picture
from app.imaging.probabilities import ResizedProbabilities
from app.imaging.windows import View
from app.inference.loaded import load_model
from app.inference.selection import is_installed
from app.store.manifest import Manifest
from app.store.repository import ModelStore, ModelVersion
from app.store.scores import Histogram
from app.training import publish as module
from app.training.config import TrainingConfig
from app.training.dataset import read_sample
from app.training.evaluation.candidate import validation_samples
from app.training.evaluation.pictures import evaluate_pictures, total_scores
from app.training.evaluation.scoring import table
from app.training.evaluation.temperature import fit_temperature, tempered
from app.training.export import TOLERANCE, Exported, load_network
from app.training.publish import publish_run
from app.training.run import Run
from app.training.sources.oxford import PETS, OxfordPets
from tests.training.conftest import SERVED_SIZE, PublishedRun
from tests.training.drawn_pets import Array

ENGINES = ["tensorflow", *(["openvino"] if is_installed("openvino") else [])]
KINDS = ("", ", outline masks", ", own masks")


@pytest.fixture(scope="module")
def version(published: PublishedRun) -> ModelVersion:
    assert published.result.exit_code == 0, published.result.output
    return published.store.resolve("pets:production")


@pytest.fixture(scope="module")
def manifest(published: PublishedRun, version: ModelVersion) -> Manifest:
    """Verified: every file is as it says."""
    return published.store.verify(version)


@pytest.fixture(scope="module")
def card(version: ModelVersion) -> str:
    return (version.path / "MODEL_CARD.md").read_text("utf-8")


def test_all_files_are_there(manifest: Manifest) -> None:
    openvino = {"openvino/model.xml", "openvino/model.bin"} if is_installed("openvino") else set()
    assert set(manifest.files) == {"model.keras", "architecture.json", "MODEL_CARD.md"} | openvino


def test_the_manifest_says_where_it_comes_from(manifest: Manifest, finished: Run, config: TrainingConfig) -> None:
    assert (manifest.name, manifest.version, manifest.precision) == ("pets", 1, "float32")
    assert manifest.label_map == PETS
    assert (manifest.preprocessing.size, manifest.preprocessing.resize) == ((SERVED_SIZE, SERVED_SIZE), "stretch")
    assert TrainingConfig.model_validate(manifest.training) == config
    assert manifest.data.fingerprint == finished.data().fingerprint
    kinds = {"training (feral, masks: outline)": 7, "training (oxford, masks: own)": 15}
    assert manifest.data.pictures == {"training": 22, **kinds, "validation": 6, "test": 8}
    assert [credit.name for credit in manifest.data.credits] == ["Oxford-IIIT Pet", "Feral cat segmentation"]
    assert manifest.packages["keras"] == importlib.metadata.version("keras")


def test_it_was_scored_by_split_and_kind_of_mask(manifest: Manifest) -> None:
    assert set(manifest.metrics) == {"validation", *(f"test{kind}" for kind in KINDS)}
    assert [manifest.metrics[f"test{kind}"].pictures for kind in KINDS] == [8, 2, 6]
    for metrics in manifest.metrics.values():
        assert metrics.flip is not None
        assert 0.3 < metrics.mean_iou < 1
        assert metrics.mean_iou != metrics.flip.mean_iou


def test_the_reference_counts_every_picture_of_the_validation(manifest: Manifest) -> None:
    reference = manifest.reference
    histograms: list[Histogram] = [reference.brightness, reference.confidence, *reference.class_share.values()]
    assert [sum(histogram.counts) for histogram in histograms] == [6] * 5


def test_the_architecture_is_that_of_the_network(version: ModelVersion, manifest: Manifest) -> None:
    summary = ArchitectureSummary.from_json((version.path / "architecture.json").read_text())
    assert summary.config == manifest.architecture
    assert summary.input_shape == (SERVED_SIZE, SERVED_SIZE, 3)


def test_contours_and_calibration_are_scored(manifest: Manifest) -> None:
    for metrics in manifest.metrics.values():
        assert metrics.boundary_f_score is not None
        assert 0.2 < metrics.boundary_f_score < 1
        assert metrics.expected_calibration_error is not None
        assert 0 < metrics.expected_calibration_error < 0.3


def test_its_probabilities_are_calibrated(
    manifest: Manifest, version: ModelVersion, finished: Run, source: OxfordPets, card: str
) -> None:
    architecture = finished.config().architecture(3, SERVED_SIZE)
    trained = load_network(finished.best_network, architecture)
    samples, size = validation_samples(finished, source), (SERVED_SIZE, SERVED_SIZE)
    temperature = fit_temperature(trained.predict_on_batch, source, samples, View(size, "stretch"))
    assert manifest.temperature == pytest.approx(temperature, abs=0.011)
    assert manifest.temperature != 1
    published = load_network(version.path / "model.keras", architecture)
    picture = read_sample(source, samples[0])[0][:40, :40]
    pixels = np.resize(picture, (1, *size, 3)).astype(np.float32)
    expected = tempered(trained.predict_on_batch(pixels), manifest.temperature)
    assert np.abs(published.predict_on_batch(pixels) - expected).max() < 1e-5
    before = total_scores(evaluate_pictures(trained.predict_on_batch, source, samples, View(size, "stretch")), PETS)
    after = manifest.metrics["validation"]
    assert before.cross_entropy is not None
    assert after.cross_entropy is not None
    assert after.cross_entropy < before.cross_entropy
    assert f"the cross-entropy from {before.cross_entropy:.3f} to {after.cross_entropy:.3f}" in card


def test_the_card_is_made_from_the_run(card: str, manifest: Manifest) -> None:
    assert table(manifest.metrics) in card
    assert "Oxford-IIIT Pet: O. Parkhi" in card
    assert "CC BY-SA 4.0" in card
    assert "## Limits" in card
    assert '"learning_rate": 0.01' in card
    assert f"input {SERVED_SIZE}×{SERVED_SIZE}" in card
    differences = card.partition("on real pictures: ")[2].partition(".\n")[0]
    measured = dict(part.split(" ") for part in differences.split(", "))
    assert set(measured) == {"rewritten", *ENGINES} - {"tensorflow"}
    assert all(0 < float(value) < TOLERANCE for value in measured.values())


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_gives_what_plain_keras_gives(
    published: PublishedRun, version: ModelVersion, source: OxfordPets, engine: str
) -> None:
    plain = keras.saving.load_model(version.path / "model.keras", compile=False, safe_mode=True)
    settings = Settings(engine=engine, device="cpu", threads=2)
    loaded = load_model(published.store, "pets", settings)
    try:
        pixels, mask = read_sample(source, source.samples("test")[0])
        predicted = loaded.predict(pixels)
        assert isinstance(predicted, ResizedProbabilities)
        probabilities = predicted.probabilities
        resized = resize_picture(pixels, loaded.view().geometry((mask.shape[0], mask.shape[1])))
        assert np.abs(probabilities - np.asarray(plain(resized[None].astype(np.float32)))[0]).max() < TOLERANCE
        assert (probabilities.argmax(axis=-1) == 0).mean() > 0.05  # it sees the pet
    finally:
        loaded.close()


def test_a_form_that_differs_is_not_published(
    finished: Run, source: OxfordPets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def doctored(network: keras.Model, config: object, folder: Path) -> Exported:
        def keras_form(pictures: Array) -> Array:
            return np.full((*pictures.shape[:3], 3), 1 / 3, np.float32)

        files = {"model.keras": folder / "model.keras"}
        return Exported(files, {"keras": keras_form, "rewritten": lambda pictures: keras_form(pictures) + 1e-3})

    monkeypatch.setattr(module, "export_network", doctored)
    store = ModelStore(tmp_path / "store")
    with pytest.raises(PublishError, match="the rewritten graph differs"):
        publish_run(finished, source, store, "pets")
    assert not store.root.exists()


def test_a_size_that_does_not_fit_the_network(finished: Run, source: OxfordPets, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="multiples of 4"):
        publish_run(finished, source, ModelStore(tmp_path), "pets", size=30)


def test_a_run_without_a_network(source: OxfordPets, config: TrainingConfig, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.open(config)
    for last, name in ((False, "best"), (True, "last")):
        with pytest.raises(TrainingError, match=rf"{name}\.keras: missing; the run has no network yet"):
            publish_run(run, source, ModelStore(tmp_path), "pets", last=last)


def without_validation(finished: Run, folder: Path) -> Run:
    """The finished run as if it had trained on every picture."""
    run = Run(shutil.copytree(finished.folder, folder))
    run.write_validation([])
    return run


def test_a_run_on_all_pictures_takes_the_test_pictures(finished: Run, source: OxfordPets, tmp_path: Path) -> None:
    run, store = without_validation(finished, tmp_path / "run"), ModelStore(tmp_path / "store")
    published = publish_run(run, source, store, "pets")
    manifest = store.verify(published.version)
    assert set(manifest.metrics) == set(published.metrics) == {f"test{kind}" for kind in KINDS}
    assert manifest.temperature == 1
    assert sum(manifest.reference.brightness.counts) == 8
    assert "There were no pictures to fit it on" in (published.version.path / "MODEL_CARD.md").read_text("utf-8")


def test_a_run_on_all_pictures_there_are(finished: Run, own_data: Path, tmp_path: Path) -> None:
    (own_data / "annotations" / "test.txt").unlink()
    run, store = without_validation(finished, tmp_path / "run"), ModelStore(tmp_path / "store")
    published = publish_run(run, OxfordPets(own_data), store, "pets", temperature=1.25)
    manifest = store.verify(published.version)
    assert (manifest.metrics, manifest.temperature) == ({}, 1.25)
    assert sum(manifest.reference.brightness.counts) == 28
    trained, head = (
        load_network(path, run.config().architecture(3)).get_layer("head_conv").get_weights()
        for path in (run.best_network, published.version.path / "model.keras")
    )
    for before, after in zip(trained, head, strict=True):
        assert np.allclose(before, after * 1.25)


def test_the_same_network_is_not_published_twice(
    published: PublishedRun, finished: Run, source: OxfordPets, tmp_path: Path
) -> None:
    store = ModelStore(shutil.copytree(published.store.root, tmp_path / "store"))
    temperature = store.manifest(store.resolve("pets")).temperature
    with pytest.raises(TrainingError, match="pets:1 is this very network already; nothing was published"):
        publish_run(finished, source, store, "pets", SERVED_SIZE, temperature=temperature)
    assert store.versions("pets") == [1]
    other_size = publish_run(finished, source, store, "pets", 32, temperature=temperature)
    assert other_size.version.version == 2
    assert publish_run(finished, source, store, "cats", SERVED_SIZE, temperature=temperature).version.version == 1
