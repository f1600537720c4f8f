from pathlib import Path

import numpy as np
import pytest

from app.core.errors import TrainingError
from app.imaging.windows import View
from app.training.config import TrainingConfig
from app.training.dataset import read_sample
from app.training.evaluation.candidate import (
    Candidate,
    chosen_pictures,
    open_candidate,
    trained_on,
    validation_samples,
)
from app.training.run import Run
from app.training.sources.oxford import PETS, OxfordPets
from app.training.sources.samples import labelled_for_training
from tests.training.conftest import SERVED_SIZE, PublishedRun
from tests.training.drawn_pets import Array


@pytest.fixture(scope="module")
def picture(source: OxfordPets) -> Array:
    """(1, 48, 48, 3) float32, a corner of a test picture."""
    pixels, _ = read_sample(source, source.samples("test")[0])
    return np.resize(pixels[:40, :40], (1, SERVED_SIZE, SERVED_SIZE, 3)).astype(np.float32)


def as_candidate(run: Run | None) -> Candidate:
    return Candidate("a", lambda pictures: pictures, View((32, 32), "stretch"), run)


def test_the_network_of_a_run(finished: Run, published: PublishedRun) -> None:
    candidate = open_candidate(str(finished.folder), PETS, published.store, None, last=False)
    assert (candidate.view.size, candidate.view.rule, candidate.title) == (
        (32, 32),
        "stretch",
        f"{finished.folder} at 32×32",
    )
    assert candidate.run is not None
    assert candidate.run.folder == finished.folder
    assert candidate.predict(np.zeros((1, 32, 32, 3), np.float32)).shape == (1, 32, 32, 3)


def test_a_published_model_computes_what_was_published(finished: Run, published: PublishedRun, picture: Array) -> None:
    model = open_candidate("pets:production", PETS, published.store, None, last=False)
    assert (model.name, model.view.size, model.run) == ("pets:1", (SERVED_SIZE, SERVED_SIZE), None)
    by_size = open_candidate("pets", PETS, published.store, SERVED_SIZE, last=False)
    assert np.abs(model.predict(picture) - by_size.predict(picture)).max() < 1e-4
    trained = open_candidate(str(finished.folder), PETS, published.store, SERVED_SIZE, last=False)
    assert np.array_equal(trained.predict(picture).argmax(axis=-1), model.predict(picture).argmax(axis=-1))
    temperature = published.store.manifest(published.store.resolve("pets")).temperature
    assert temperature != 1
    assert np.abs(trained.predict(picture) - model.predict(picture)).max() > 1e-3  # it is calibrated


def test_a_published_model_at_another_size(published: PublishedRun) -> None:
    candidate = open_candidate("pets:1", PETS, published.store, 64, last=False)
    assert (candidate.view.size, candidate.title) == ((64, 64), "pets:1 at 64×64")
    assert candidate.predict(np.zeros((2, 64, 64, 3), np.float32)).shape == (2, 64, 64, 3)


def test_sizes_that_do_not_fit(finished: Run, published: PublishedRun) -> None:
    for what in (str(finished.folder), "pets"):
        with pytest.raises(TrainingError, match="multiples of 4"):
            open_candidate(what, PETS, published.store, 50, last=False)


def test_the_validation_pictures_of_a_run(finished: Run, source: OxfordPets, own_data: Path, tmp_path: Path) -> None:
    names = finished.validation()
    assert names is not None
    assert sorted(sample.name for sample in validation_samples(finished, source)) == names
    with pytest.raises(TrainingError, match="does not have all validation pictures"):
        validation_samples(Run(tmp_path), source)
    (own_data / "annotations" / "trainval.txt").write_text("\n".join(names[1:]))
    with pytest.raises(TrainingError, match="does not have all validation pictures"):
        validation_samples(finished, OxfordPets(own_data))


def test_validation_pictures_from_a_list_of_their_own(finished: Run, own_data: Path) -> None:
    lists = own_data / "annotations"
    names = finished.validation()
    assert names is not None
    rows = (lists / "trainval.txt").read_text().splitlines(keepends=True)
    apart = [row for row in rows if row.split()[0] in names]
    (lists / "trainval.txt").write_text("".join(row for row in rows if row not in apart))
    (lists / "validation.txt").write_text("".join(apart))
    source = OxfordPets(own_data)
    assert sorted(sample.name for sample in validation_samples(finished, source)) == names
    assert len(labelled_for_training(source)) == 28


def test_which_pictures_are_scored(finished: Run, source: OxfordPets, config: TrainingConfig, tmp_path: Path) -> None:
    own = validation_samples(finished, source)
    model, run = as_candidate(None), as_candidate(finished)
    assert chosen_pictures("validation", source, [run]) == own
    assert chosen_pictures("validation", source, [model, run]) == own
    assert chosen_pictures("test", source, [run]) == source.samples("test")
    on_all = Run(tmp_path / "all")
    on_all.open(config)
    on_all.write_validation([])
    assert validation_samples(on_all, source) == []
    with pytest.raises(TrainingError, match="kept no pictures apart for validation; name another list"):
        chosen_pictures("validation", source, [as_candidate(on_all)])


def test_which_pictures_a_run_was_trained_on(finished: Run, source: OxfordPets, tmp_path: Path) -> None:
    own = validation_samples(finished, source)
    assert trained_on(finished, source, own + source.samples("test")) == []
    assert len(trained_on(finished, source, source.samples("trainval"))) == 22
    assert trained_on(Run(tmp_path), source, own) == own
