import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.core.command_line import FAILED, INTERRUPTED
from app.training import fit
from tests.e2e.process import COVERAGE
from tests.training.conftest import Segserve, TriedRun


def test_a_dry_run_stops_after_twenty_steps_with_a_sheet_and_the_time(tried: TriedRun) -> None:
    result = tried.dry_run
    assert result.exit_code == 0, result.output
    lines = result.stderr.splitlines()
    assert lines[0] == "22 pictures to train on, 6 to validate on; step 0 of 40"
    assert any("images/s over the first 20 steps: about" in line for line in lines)
    assert "augmented.png" in tried.left
    assert "checkpoints" not in tried.left


def test_wrong_data_prints_every_problem_before_the_first_step(
    segserve: Segserve, own_data: Path, config_file: Path, tmp_path: Path
) -> None:
    masks = sorted((own_data / "annotations" / "trimaps").iterdir())
    for mask in masks[:3]:
        mask.unlink()
    picture = own_data / "images" / "feral_3.jpg"
    picture.write_bytes(b"no picture")
    result = segserve("train", config_file, "--data", own_data, "--run", tmp_path / "run")
    assert result.exit_code == FAILED == 1
    assert "segserve: 4 problem(s) in the data:\n" in result.stderr
    assert all(str(path) in result.stderr for path in [*masks[:3], picture])
    assert "Traceback" not in result.output
    assert not (tmp_path / "run" / "augmented.png").exists()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["stpes=3", "batch_size=0"], "greater than or equal to 1\nstpes: unknown name; did you mean steps?\n"),
        (["network.filter=[8]"], "network.filter: unknown name; did you mean filters?"),
        (["colour=1"], "colour: unknown name; known: seed, size, "),
        (["validation_pictures=500"], "validation_pictures 500: 28 pictures, 21 of them eligible; ask for fewer"),
        (["sampling.lions=1"], "no training picture in group(s) lions"),
    ],
)
def test_a_wrong_configuration_is_named(
    segserve: Segserve, data: Path, config_file: Path, tmp_path: Path, overrides: list[str], message: str
) -> None:
    options = [option for override in overrides for option in ("--set", override)]
    result = segserve("train", config_file, "--data", data, "--run", tmp_path, *options)
    assert result.exit_code == FAILED
    assert message in result.stderr


@pytest.mark.parametrize("filters", ["[16, 32]", "[24, 48]"])
def test_narrow_networks_do_not_crash(data: Path, tmp_path: Path, filters: str) -> None:
    values = [f"network.filters={filters}", "size=128", "steps=4", "batch_size=8", "batchnorm_batches=1"]
    command = [sys.executable, "-m", "app.cli", "train", "--data", str(data), "--run", str(tmp_path / "run")]
    left_out = ("TF_ENABLE_ONEDNN_OPTS", COVERAGE)
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    sets = [word for value in values for word in ("--set", value)]
    result = subprocess.run(
        [*command, *sets], check=False, env=environment, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr


def test_without_a_configuration_file(segserve: Segserve, data: Path, tmp_path: Path) -> None:
    result = segserve("train", "--data", data, "--run", tmp_path)
    assert result.exit_code == FAILED
    assert "give either `steps` or `epochs`" in result.stderr


def test_interrupted(
    segserve: Segserve, data: Path, config_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fit, "read_all", interrupted)
    result = segserve("train", config_file, "--data", data, "--run", tmp_path)
    assert result.exit_code == INTERRUPTED == 130
    assert "the same command goes on from the last checkpoint" in result.stderr


def test_a_class_that_never_occurs_is_named(
    segserve: Segserve, own_data: Path, config_file: Path, tmp_path: Path
) -> None:
    for path in (own_data / "annotations" / "trimaps").iterdir():
        trimap = np.asarray(Image.open(path))
        Image.fromarray(np.where(trimap == 3, 1, trimap).astype(np.uint8)).save(path)
    result = segserve("train", config_file, "--data", own_data, "--run", tmp_path, "--set", "steps=1")
    assert result.exit_code == 0
    assert result.stderr.count("no pixel of any mask is") == 1
    assert "no pixel of any mask is border: the network will not learn it. Is that right?" in result.stderr


def test_without_matplotlib_it_says_so(
    segserve: Segserve, own_data: Path, config_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_data / "annotations" / "trainval.txt").unlink()
    monkeypatch.setattr("app.training.plots.can_plot", lambda: False)
    result = segserve("train", config_file, "--data", own_data, "--run", tmp_path)
    assert "no curves.png" in result.stderr.splitlines()[0]
    assert result.exit_code == FAILED
