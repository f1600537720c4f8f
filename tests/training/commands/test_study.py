import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from app.core.command_line import FAILED, INTERRUPTED
from app.training.commands import study as module
from app.training.config import TrainingConfig
from app.training.study.configurations import Configuration
from app.training.study.plan import Study
from app.training.study.record import Times, read_record, write_record
from tests.training.conftest import Segserve
from tests.training.study.drawn_study import TINY_STUDY, drawn_outcome, drawn_record, tiny_study, write_outcomes

OPTIONS = [option for override in TINY_STUDY for option in ("--set", override)]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Two blocks of all eight networks, finished."""
    found = tiny_study(tmp_path / "study", blocks=2)
    write_outcomes(found)
    return found


def test_a_finished_study_is_written_and_told(segserve: Segserve, data: Path, study: Study) -> None:
    result = segserve("study", "--data", data, "--out", study.folder, "--blocks", "2", *OPTIONS)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("16 runs: 8 networks in 2 block(s) of one seed each (0, 1), 30 steps of 8 pictures")
    assert "| no shortcut | mean IoU at the end |" in result.stdout
    assert read_record(study.folder / "study.json").of("elu")[1] == drawn_outcome("elu", 1)
    assert len(list((study.folder / "images").iterdir())) == 5


def test_as_many_blocks_as_there_are_unless_told(
    segserve: Segserve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.training.study.collect.measure_times", measured)
    for blocks in (2, 4):
        study = tiny_study(tmp_path, blocks)
        write_outcomes(study)
        assert segserve("study", "--time", "--out", tmp_path, *OPTIONS).exit_code == 0
        assert read_record(tmp_path / "study.json").blocks == blocks


def test_without_matplotlib_it_is_written_without_pictures(
    segserve: Segserve, data: Path, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.training.plots.can_plot", lambda: False)
    result = segserve("study", "--data", data, "--out", study.folder, "--blocks", "1", *OPTIONS)
    assert result.exit_code == 0, result.output
    assert result.stderr == "matplotlib is not installed: the study has its study.json, no pictures\n"
    assert read_record(study.folder / "study.json").blocks == 1
    assert not (study.folder / "images").exists()


def test_times_are_measured_on_their_own(segserve: Segserve, study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROUNDS", 7)
    monkeypatch.setattr("app.training.study.collect.measure_times", measured)
    command = ["study", "--time", "--out", study.folder, *OPTIONS]
    result = segserve(*command, "--blocks", "2")
    assert result.exit_code == 0, result.output
    assert read_record(study.folder / "study.json").times == measured(study.networks, study.config, 3, 7)
    (study.runs[0].run.folder / "outcome.json").unlink()
    result = segserve(*command, "--blocks", "1")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "no block is complete yet: there is nothing to compare\n"


def measured(networks: Sequence[Configuration], config: TrainingConfig, classes: int, rounds: int) -> Times:
    """In place of measuring, which has tests of its own."""
    assert classes == 3
    times = {network.name: 1.0 for network in networks}
    return Times(machine="a CPU", engine="one", rounds=rounds, milliseconds=times, ratio=times)


def test_drawn_again_from_the_record_alone(segserve: Segserve, tmp_path: Path) -> None:
    record, docs = tmp_path / "study.json", tmp_path / "docs"
    write_record(drawn_record(), record)
    docs.mkdir()
    (docs / "study.md").write_text("<!-- study: depth -->\n<!-- /study -->\n")
    result = segserve("study", "--render", record, "--docs", docs)
    assert result.exit_code == 0, result.output
    assert set(map(Path, result.stdout.split())) == {path for path in docs.rglob("*") if path.is_file()}
    assert "- depth 3: mean IoU at the end" in (docs / "study.md").read_text("utf-8")
    assert segserve("study", "--render", record).exit_code == 0
    assert (tmp_path / "images" / "study-depth.png").exists()


@pytest.mark.parametrize("asked", [False, True])
def test_every_block_begins_in_a_fresh_process_unless_it_is_to_stop(
    segserve: Segserve, data: Path, study: Study, monkeypatch: pytest.MonkeyPatch, asked: bool
) -> None:
    """TensorFlow keeps some of each network for as long as a process lives."""
    begun: list[Any] = []

    def conducted(planned: Study, source: object, progress: object, stop: Any, finished: Any) -> bool:
        if asked:
            monkeypatch.setattr("app.training.interrupt.Interrupt.asked", True, raising=False)
            stop.__closure__[0].cell_contents.asked = True
        for run in planned.runs:
            finished(run)
        return not asked

    monkeypatch.setattr("app.training.study.conduct.conduct", conducted)
    monkeypatch.setattr("os.execv", lambda *arguments: begun.append(arguments))
    result = segserve("study", "--data", data, "--out", study.folder, "--blocks", "2", *OPTIONS)
    assert result.exit_code == (INTERRUPTED if asked else 0)
    assert begun == ([] if asked else [(sys.executable, [sys.executable, *sys.orig_argv[1:]])])
    assert read_record(study.folder / "study.json").blocks == 2


def test_interrupted(segserve: Segserve, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("app.training.study.conduct.read_all", interrupted)
    result = segserve("study", "--data", data, "--out", tmp_path, *OPTIONS)
    assert result.exit_code == INTERRUPTED
    assert result.stderr == "segserve: interrupted; the same command goes on from the last checkpoint\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (OPTIONS, "--data: the pictures to train on are missing"),
        (["--set", "epochs=3"], "give `steps`, for example --set steps=1250"),
        (["--set", "steps=3", "--set", "network.block=conv"], "the study sets the switches itself"),
        (["--time", *OPTIONS], "does not say which data the run is trained on"),
        (["--render", "nowhere.json"], "nowhere.json: No such file or directory"),
        ([*OPTIONS, "--data", "nowhere"], "nowhere"),
    ],
)
def test_what_is_wrong_is_named(segserve: Segserve, tmp_path: Path, arguments: list[str], message: str) -> None:
    result = segserve("study", "--out", tmp_path / "study", *arguments)
    assert result.exit_code == FAILED
    assert message in result.stderr
    assert "Traceback" not in result.output
