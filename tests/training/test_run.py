import json
from datetime import UTC, datetime
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from app.core.errors import TrainingError
from app.training.code_version import CodeVersion
from app.training.config import TrainingConfig, load_config
from app.training.run import Run, RunData
from tests.training.full_disk import full_disk

CONFIG = load_config(None, ["steps=10", "learning_rate=0.003"])
OTHER = load_config(None, ["steps=20", "learning_rate=0.003", "augmentation.rotation=1"])


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(tmp_path / "runs" / "first")
    run.open(CONFIG)
    return run


def small_network() -> keras.Model:
    return keras.Sequential([keras.Input((8,)), keras.layers.Dense(64, name="dense")])


def begin(run: Run) -> None:
    """As if a checkpoint had been written."""
    (run.checkpoints / "step-000000005").mkdir(parents=True)


def test_the_configuration_is_kept(run: Run) -> None:
    assert run.config() == CONFIG
    begin(run)
    Run(run.folder).open(CONFIG)
    assert run.config() == CONFIG


def test_another_configuration_is_refused(run: Run) -> None:
    begin(run)
    with pytest.raises(TrainingError, match="holds a run with another augmentation, steps; choose another folder"):
        run.open(OTHER)
    assert run.config() == CONFIG


@pytest.mark.parametrize(("override", "changed"), [("steps=20", "steps"), ("epochs=3", "steps, epochs")])
def test_another_length_is_refused_with_the_way_to_train_longer(run: Run, override: str, changed: str) -> None:
    begin(run)
    with pytest.raises(TrainingError, match=f"a run with another {changed}; its learning rate") as refused:
        run.open(load_config(None, ["steps=10", "learning_rate=0.003", override]))
    assert str(refused.value).endswith(f"in another folder: --init {run.folder}")
    assert run.config() == CONFIG


def test_before_the_first_checkpoint_another_configuration_takes_its_place(run: Run) -> None:
    run.write_validation(["a"])
    run.write_data(RunData(fingerprint="0", training=1, validation=1, classes=("a", "b")))
    run.open(OTHER)
    assert (run.config(), run.validation()) == (OTHER, None)
    run.write_data(RunData(fingerprint="1", training=1, validation=1, classes=("a", "b")))  # other data too


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "inside"):
        with pytest.raises(TrainingError, match="file"):
            Run(folder).open(CONFIG)


@pytest.mark.parametrize("content", [None, "{", '{"stpes": 3}'], ids=["missing", "torn", "invalid"])
def test_a_folder_of_something_else(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(TrainingError, match="is not the folder of a run"):
        Run(tmp_path).config()


def test_a_configuration_of_an_earlier_release(run: Run, tmp_path: Path) -> None:
    """What it does not name yet has its default."""
    values = json.loads((run.folder / "config.json").read_text())
    del values["clip_norm"]
    (tmp_path / "config.json").write_text(json.dumps(values))
    assert Run(tmp_path).config() == TrainingConfig(steps=10, learning_rate=0.003)


@pytest.mark.parametrize("names", [[], ["a"], ["b_2", "a b", "ü"]])
def test_the_validation_list(run: Run, names: list[str]) -> None:
    assert run.validation() is None
    run.write_validation(names)
    assert Run(run.folder).validation() == names
    assert (run.folder / "validation.txt").read_text("utf-8").splitlines() == names


def test_the_data(run: Run) -> None:
    data = RunData(fingerprint="abc", training=10, validation=2, classes=("cell", "rest"))
    with pytest.raises(TrainingError, match="does not say which data the run is trained on"):
        run.data()
    run.write_data(data)
    run.write_data(data)
    assert run.data() == data
    with pytest.raises(TrainingError, match="begun on other data; choose another folder, or restore the data"):
        run.write_data(data.model_copy(update={"fingerprint": "abd"}))
    assert run.data() == data


def test_the_history(run: Run) -> None:
    run.write_history([{"step": 5.0, "iou": 0.1 + 0.2}, {"step": 10.0, "iou": float("nan")}])
    assert (run.folder / "history.csv").read_text() == "step,iou\n5.0,0.30000000000000004\n10.0,nan\n"


def test_a_picture(run: Run) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    run.write_picture("sheet.png", pixels)
    with Image.open(run.folder / "sheet.png") as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        assert np.array_equal(np.asarray(image), pixels)


def test_a_network(run: Run) -> None:
    network = small_network()
    run.write_network(run.best_network, network)
    found = keras.saving.load_model(run.best_network, compile=False)
    assert np.array_equal(found.get_layer("dense").kernel, network.get_layer("dense").kernel)


def test_a_full_disk_leaves_the_old_network(run: Run) -> None:
    run.write_network(run.best_network, small_network())
    before = run.best_network.read_bytes()
    with full_disk(after=3000), pytest.raises(TrainingError, match=r"best\.keras could not be written: File too large"):
        run.write_network(run.best_network, small_network())
    assert run.best_network.read_bytes() == before
    assert sorted(path.name for path in run.folder.iterdir()) == ["best.keras", "config.json"]


def test_every_machine_of_a_run_is_kept_once(tmp_path: Path) -> None:
    run = Run(tmp_path)
    assert run.machine() == []
    for machine in ("a CPU", "a GPU", "a CPU"):
        run.write_machine(machine)
    assert run.machine() == ["a CPU", "a GPU"]


def test_every_code_of_a_run_is_kept_once_with_its_first_use(tmp_path: Path) -> None:
    run = Run(tmp_path)
    assert run.code() == []
    versions = [
        CodeVersion(since=datetime(2026, 11, day, tzinfo=UTC), commit=commit, changed=False, packages={"numpy": "2.0"})
        for day, commit in enumerate(["a", "a", "b", "a"], start=1)
    ]
    for version in versions:
        run.write_code(version)
    assert run.code() == [versions[0], versions[2], versions[3]]
    (tmp_path / "code.json").write_text("[{")
    assert run.code() == []


def test_a_finished_run_without_checkpoints_is_not_taken_for_an_empty_folder(run: Run) -> None:
    run.write_history([{"step": 1.0}])  # its networks may have been deleted: they are large
    with pytest.raises(TrainingError, match="holds a run with another augmentation, steps"):
        run.open(OTHER)
    run.open(CONFIG)
