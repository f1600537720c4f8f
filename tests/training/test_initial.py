import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.core.errors import CorruptVersionError, ModelNotFoundError, TrainingError
from app.core.labels import LabelMap
from app.store.repository import ModelStore
from app.training.config import load_config
from app.training.export import load_network
from app.training.initial import canonical, load_initial
from app.training.run import Run
from app.training.sources.oxford import PETS
from tests.training.conftest import PublishedRun

TWO_CLASSES = LabelMap(tuple(PETS)[:2])
RENAMED = LabelMap((replace(PETS.named("pet"), name="cat"), *tuple(PETS)[1:]))


def test_what_the_configuration_keeps(published: PublishedRun, finished: Run) -> None:
    assert canonical("pets", published.store) == canonical("pets:production", published.store) == "pets:1"
    assert canonical(str(finished.folder), published.store) == str(finished.folder)
    with pytest.raises(ModelNotFoundError, match="no version 7 of pets"):
        canonical("pets:7", published.store)


@pytest.mark.parametrize("of_run", [True, False])
def test_the_weights_of_a_run_or_a_version(
    published: PublishedRun, finished: Run, config_file: Path, of_run: bool
) -> None:
    init = str(finished.folder) if of_run else "pets:1"
    config = load_config(config_file, [f"init={init}", "size=64"])
    initial = load_initial(config, PETS, published.store)
    expected = load_network(finished.best_network, finished.config().architecture(3))
    assert initial.head
    assert np.array_equal(initial.network.get_layer("stem_conv").kernel, expected.get_layer("stem_conv").kernel)


@pytest.mark.parametrize("labels", [TWO_CLASSES, RENAMED])
def test_a_head_of_other_classes_is_not_kept(published: PublishedRun, config_file: Path, labels: LabelMap) -> None:
    assert not load_initial(load_config(config_file, ["init=pets:1"]), labels, published.store).head


def test_another_network_is_refused(published: PublishedRun, config_file: Path) -> None:
    config = load_config(config_file, ["init=pets:1", "network.filters=[8, 16]", "network.residual=false"])
    with pytest.raises(TrainingError) as refused:
        load_initial(config, PETS, published.store)
    assert "network.filters is (8,) there and (8, 16) here" in refused.value.detail
    assert "network.residual is True there and False here" in refused.value.detail


def test_a_damaged_version_is_refused(published: PublishedRun, config_file: Path, tmp_path: Path) -> None:
    store = ModelStore(shutil.copytree(published.store.root, tmp_path / "store"))
    with (store.root / "pets" / "1" / "model.keras").open("r+b") as file:
        file.seek(1000)
        file.write(b"\0\1\2\3")
    with pytest.raises(CorruptVersionError):
        load_initial(load_config(config_file, ["init=pets:1"]), PETS, store)


def test_a_run_without_a_network_is_refused(finished: Run, config_file: Path, tmp_path: Path) -> None:
    begun = Run(shutil.copytree(finished.folder, tmp_path / "begun"))
    begun.best_network.unlink()
    with pytest.raises(TrainingError, match="the run has no network yet"):
        load_initial(load_config(config_file, [f"init={begun.folder}"]), PETS, ModelStore(tmp_path))
