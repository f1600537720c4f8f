import csv
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from app.core.command_line import INTERRUPTED
from app.core.errors import TrainingError
from app.training.checkpoint import Checkpoints, TrainingState
from app.training.config import TrainingConfig, load_config
from app.training.fit import Fit, set_up_backend
from app.training.learner import Learner
from app.training.run import Run
from app.training.sources.oxford import OxfordPets
from tests.training.conftest import TriedRun
from tests.training.equal_runs import last_state, require_equal
from tests.training.interrupted_run import interrupted_and_finished

CHECKPOINTS = {"step-000000032", "step-000000040"}


def silent(step: int, steps: int, loss: float) -> None:
    """Reports nothing."""


def history(run: Run) -> list[dict[str, float]]:
    with (run.folder / "history.csv").open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def test_it_learns(finished: Run) -> None:
    rows = history(finished)
    assert [row["step"] for row in rows] == [16, 32, 40]
    assert [row["pictures"] for row in rows] == [128, 256, 320]
    assert rows[-1]["training_loss"] < 0.6 * rows[0]["training_loss"]
    best = max(row["validation_mean_iou"] for row in rows)
    assert best > 0.5  # all background, the best of guesses, has 0.2
    assert best == last_state(finished).best
    assert all(0 < row["validation_cross_entropy"] < 2 for row in rows)
    assert rows[-1]["learning_rate"] == pytest.approx(0, abs=1e-7)
    mean = np.mean([rows[0][f"validation_iou_{name}"] for name in ("pet", "background", "border")])
    assert rows[0]["validation_mean_iou"] == pytest.approx(mean)


def test_what_it_leaves(finished: Run, source: OxfordPets, config: TrainingConfig) -> None:
    assert {path.name for path in finished.folder.iterdir()} == {
        *("config.json", "data.json", "machine.txt", "code.json", "validation.txt", "history.csv", ".lock"),
        *("augmented.png", "examples.png", "curves.png"),
        *("best.keras", "last.keras", "checkpoints"),
    }
    assert {path.name for path in finished.checkpoints.iterdir()} == CHECKPOINTS
    assert finished.config() == config
    own = {sample.name for sample in source.samples("trainval") if sample.mask_kind == "own"}
    names = finished.validation()
    assert names is not None
    assert len(names) == 6
    assert set(names) <= own
    data = finished.data()
    assert (data.training, data.validation, data.classes) == (22, 6, ("pet", "background", "border"))
    assert len(data.fingerprint) == 64


@pytest.mark.parametrize("name", ["augmented.png", "examples.png", "curves.png"])
def test_its_pictures_show_something(finished: Run, name: str) -> None:
    with Image.open(finished.folder / name) as image:
        pixels = np.asarray(image.convert("RGB"))
    assert min(pixels.shape[:2]) > 64
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50


def test_a_dry_run_leaves_nothing_that_binds_the_run(tried: TriedRun, finished: Run) -> None:
    assert tried.left == {
        *("config.json", "data.json", "machine.txt", "code.json", "validation.txt", ".lock"),
        "augmented.png",
    }
    require_equal(tried.run, finished)


def test_a_dry_run_in_a_begun_run_leaves_it_as_it_was(finished: Run, begun: Run, source: OxfordPets) -> None:
    shutil.rmtree(begun.checkpoints / "step-000000040")
    before = {path: path.stat().st_mtime_ns for path in begun.checkpoints.rglob("*")}
    seen: list[int] = []
    Fit(source, finished.config(), begun).try_out(lambda step, steps, loss: seen.append(step), 20)
    assert seen == list(range(33, 41))  # to the end of the run
    assert {path: path.stat().st_mtime_ns for path in begun.checkpoints.rglob("*")} == before
    assert begun.last_network.read_bytes() == finished.last_network.read_bytes()


def test_a_dry_run_can_be_stopped(source: OxfordPets, config: TrainingConfig, tmp_path: Path) -> None:
    fit = Fit(source, config, Run(tmp_path))
    fit.try_out(silent, 20, lambda: fit.state.step == 2)
    assert fit.state.step == 2
    assert not (tmp_path / "checkpoints").exists()


def test_interrupted_it_keeps_the_step_it_was_at(config_file: Path, data: Path, finished: Run, tmp_path: Path) -> None:
    stopped = interrupted_and_finished(config_file, data, Run(tmp_path / "run"))
    assert stopped.code == INTERRUPTED
    (last,) = {path for path in stopped.left if path.startswith("checkpoints/step-") and path.count("/") == 1} - {
        "checkpoints/step-000000008",
        "checkpoints/step-000000016",
    }
    assert f"step {int(last.removeprefix('checkpoints/step-'))} of 40" in stopped.again
    assert "best validation mean IoU" in stopped.again
    require_equal(stopped.run, finished)


def test_the_network_of_the_end_is_the_average(finished: Run) -> None:
    last = keras.saving.load_model(finished.last_network, compile=False)
    arrays = last_state(finished).arrays
    kernel = last.get_layer("stem_conv").kernel
    raw = next(array for array in arrays if array.shape == tuple(kernel.shape))
    assert 0 < np.abs(raw - np.array(kernel)).max() < 0.1


@pytest.fixture
def begun(finished: Run, tmp_path: Path) -> Run:
    """A copy of the finished run."""
    return Run(shutil.copytree(finished.folder, tmp_path / "begun"))


def test_it_goes_on_from_trained_weights(finished: Run, source: OxfordPets, config_file: Path, tmp_path: Path) -> None:
    config = load_config(config_file, [f"init={finished.folder}", "learning_rate=1e-5", "steps=2", "validate_every=2"])
    said: list[str] = []
    fit = Fit(source, config, Run(tmp_path))
    fit.go(silent, say=said.append)
    (row,) = fit.state.history
    assert row["validation_mean_iou"] == pytest.approx(last_state(finished).best, abs=0.05)
    assert row["training_loss"] < history(finished)[0]["training_loss"]
    assert said == [
        "step 2: averaging the weights, then validating",
        f"step 2: validation mean IoU {row['validation_mean_iou']:.4f}, best {row['validation_mean_iou']:.4f}",
    ]


def test_without_validation_the_newest_network_is_the_best(
    source: OxfordPets, config_file: Path, tmp_path: Path
) -> None:
    config = load_config(config_file, ["validation_pictures=0", "steps=4", "validate_every=2"])
    run = Run(tmp_path)
    fit = Fit(source, config, run)
    fit.go(silent)
    assert (len(fit.training), fit.validation, fit.state.best) == (28, [], None)
    assert [sorted(row) for row in fit.state.history] == [["learning_rate", "pictures", "step", "training_loss"]] * 2
    best, last = (keras.saving.load_model(path, compile=False) for path in (run.best_network, run.last_network))
    assert all(np.array_equal(a, b) for a, b in zip(best.get_weights(), last.get_weights(), strict=True))
    assert {"examples.png", "curves.png", "history.csv"} <= {path.name for path in run.folder.iterdir()}


def test_another_configuration_is_refused(begun: Run, source: OxfordPets, config_file: Path) -> None:
    config = load_config(config_file, ["learning_rate=0.02"])
    with pytest.raises(TrainingError, match="holds a run with another learning_rate"):
        Fit(source, config, begun)


def test_other_data_is_refused(begun: Run, own_data: Path, config: TrainingConfig) -> None:
    picture = next((own_data / "images").glob("breed*.jpg"))
    picture.write_bytes(picture.read_bytes() + b"\0")
    with pytest.raises(TrainingError, match="was begun on other data"):
        Fit(OxfordPets(own_data), config, begun)


def test_a_validation_list_of_other_data_is_refused(begun: Run, source: OxfordPets, config: TrainingConfig) -> None:
    begun.write_validation([*(begun.validation() or [])[1:], "unknown"])
    with pytest.raises(TrainingError, match=r"validation\.txt names pictures that the data does not have"):
        Fit(source, config, begun)


def test_the_checkpoint_of_another_network_is_refused(begun: Run, source: OxfordPets, config: TrainingConfig) -> None:
    Checkpoints(begun.checkpoints).save(TrainingState(41, [np.zeros(3)]))
    with pytest.raises(TrainingError, match="checkpoints: the arrays are not the state of this network"):
        Fit(source, config, begun)


def test_a_share_for_pictures_that_are_not_there(source: OxfordPets, config_file: Path, tmp_path: Path) -> None:
    config = load_config(config_file, ["sampling.lions=0.5"])
    with pytest.raises(TrainingError, match=r"sampling: no training picture in group\(s\) lions"):
        Fit(source, config, Run(tmp_path))


def test_a_loss_that_is_not_finite_ends_the_run(
    source: OxfordPets, config: TrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = Fit(source, config, Run(tmp_path))

    def diverged(learner: Learner, pictures: Any, masks: Any) -> float:
        return float("nan")

    monkeypatch.setattr(Learner, "step", diverged)
    with pytest.raises(TrainingError, match="the loss is nan at step 0; lower the learning rate"):
        fit.go(silent)
    assert not (tmp_path / "checkpoints").exists()
    assert (tmp_path / "augmented.png").exists()


def test_determinism_is_tensorflows(config: TrainingConfig, config_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    with pytest.raises(TrainingError, match="deterministic: only with Keras' TensorFlow backend"):
        set_up_backend(config)
    set_up_backend(load_config(config_file, ["deterministic=false"]))  # nothing to set up
