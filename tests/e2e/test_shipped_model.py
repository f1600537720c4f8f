"""The model that comes with the project."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
import skimage.data

from app.core.settings import load_settings
from app.inference.engine import KERAS_FILE
from app.inference.loaded import LoadedModel, load_model
from app.store.repository import ModelStore
from app.training.evaluation.pictures import evaluate_pictures, total_scores
from app.training.sources.oxford import OxfordPets

ROOT = Path(__file__).parents[2]
PETS = ROOT.parent / "shared" / "data" / "pets"
"""Beside the checkout of whoever develops; users do not have it."""


@pytest.fixture(scope="module")
def shipped() -> Iterator[LoadedModel]:
    model = load_model(ModelStore(ROOT / "model_store"), "pets:production", load_settings())
    yield model
    model.close()


def test_it_finds_the_cat(shipped: LoadedModel) -> None:
    picture = skimage.data.chelsea()  # type: ignore[no-untyped-call]  # skimage ships no types
    mask = shipped.segment(picture)
    assert mask.shape == picture.shape[:2]
    assert (mask == 0).mean() > 0.5
    assert mask[150, 230] == 0  # between the eyes
    assert mask[100, 445] == 1  # right of the ear


def test_plain_keras_loads_it(shipped: LoadedModel) -> None:
    model = keras.saving.load_model(shipped.version.path / KERAS_FILE, compile=False, safe_mode=True)
    assert model.count_params() == 2_058_979
    picture = np.full((1, *shipped.manifest.preprocessing.size, 3), 90, np.float32)
    np.testing.assert_allclose(model.predict_on_batch(picture), shipped.engine.infer(picture), atol=1e-4)


@pytest.mark.skipif(not PETS.is_dir(), reason="no ../shared/data/pets here: the model's scores are not measured again")
def test_its_scores_are_those_of_its_card(shipped: LoadedModel) -> None:
    source = OxfordPets(PETS)
    results = evaluate_pictures(shipped.engine.infer, source, source.samples("test"), shipped.view())
    published = shipped.manifest.metrics["test"]
    measured = total_scores(results, source.labels)
    assert len(results) == published.pictures
    assert measured.mean_iou == pytest.approx(published.mean_iou, abs=1e-3)
    assert measured.foreground_iou == pytest.approx(published.foreground_iou, abs=1e-3)
    assert measured.mean_iou >= 0.70
