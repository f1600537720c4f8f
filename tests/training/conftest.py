"""Drawn data, and one tiny run on it that many of these tests look at."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.store.repository import ModelStore
from app.training.config import TrainingConfig, load_config
from app.training.fit import Fit
from app.training.run import Run
from app.training.sources.oxford import OxfordPets
from tests.training.drawn_pets import pets, write_data_set

TINY_RUN = """
steps = 40
size = 32
stored_size = 48
batch_size = 8
learning_rate = 0.01
warmup = 0.1
weight_decay = 0.01
batchnorm_batches = 3
deterministic = true
validation_pictures = 6
validation_masks = "own"
validate_every = 16
checkpoint_every = 8

[network]
filters = [8]

[augmentation]
scale_min = 0.8

[sampling]
oxford = 0.75
feral = 0.25
"""
SERVED_SIZE = 48

Segserve = Callable[..., Result]


@dataclass(frozen=True)
class TriedRun:
    """A run with a dry run before it, in the same folder.

    Args:
        run: its folder, finished.
        dry_run: what the command said.
        left: names of the files that the dry run left.
    """

    run: Run
    dry_run: Result
    left: frozenset[str]


@dataclass(frozen=True)
class PublishedRun:
    """The finished run in a store.

    Args:
        store: it holds `pets/1`, as `production`.
        result: what the command said.
    """

    store: ModelStore
    result: Result


@pytest.fixture(scope="session")
def segserve() -> Segserve:
    """Runs the command `segserve` with arguments, in this process."""

    def call(*arguments: str | Path) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return call


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn data set: 28 pictures to train on, 8 to test on; read only."""
    return write_data_set(tmp_path_factory.mktemp("data") / "pets", pets(0, 28), pets(28, 8))


@pytest.fixture(scope="session")
def source(data: Path) -> OxfordPets:
    """The drawn data set."""
    return OxfordPets(data)


@pytest.fixture
def own_data(data: Path, tmp_path: Path) -> Path:
    """A copy of the drawn data set, to be broken."""
    return shutil.copytree(data, tmp_path / "pets")


@pytest.fixture(scope="session")
def config_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of the tiny run."""
    path = tmp_path_factory.mktemp("config") / "tiny.toml"
    path.write_text(TINY_RUN)
    return path


@pytest.fixture(scope="session")
def config(config_file: Path) -> TrainingConfig:
    """The same."""
    return load_config(config_file)


@pytest.fixture(scope="session")
def finished(source: OxfordPets, config: TrainingConfig, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The tiny run, from beginning to end without a break; read only."""
    run = Run(tmp_path_factory.mktemp("runs") / "finished")
    Fit(source, config, run).go(lambda step, steps, loss: None)
    return run


@pytest.fixture(scope="session")
def tried(
    segserve: Segserve, data: Path, config_file: Path, config: TrainingConfig, tmp_path_factory: pytest.TempPathFactory
) -> TriedRun:
    """The tiny run after a dry run, which passes two checkpoints and a validation; read only."""
    run = Run(tmp_path_factory.mktemp("runs") / "tried")
    dry_run = segserve("train", config_file, "--data", data, "--run", run.folder, "--dry-run")
    left = frozenset(path.name for path in run.folder.iterdir())
    Fit(OxfordPets(data), config, run).go(lambda step, steps, loss: None)
    return TriedRun(run, dry_run, left)


@pytest.fixture(scope="session")
def published(segserve: Segserve, finished: Run, data: Path, tmp_path_factory: pytest.TempPathFactory) -> PublishedRun:
    """The finished run, published at another size than it was trained at; read only."""
    store = ModelStore(tmp_path_factory.mktemp("store"))
    options = ["--name", "pets", "--size", str(SERVED_SIZE), "--alias", "production", "--model-store", store.root]
    return PublishedRun(store, segserve("publish", finished.folder, "--data", data, *options))
