from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.core.errors import TrainingError
from app.training.code_version import CodeVersion
from app.training.config import load_config
from app.training.lock import training_lock
from app.training.run import Run, RunData
from app.training.runs import Difference, RunSummary, differences, find_runs, network_step, read_history, summarise_run

STARTED = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
DATA = RunData(fingerprint="abc", training=200, validation=2, classes=("cat", "rest"))


def made(folder: Path, *overrides: str, scores: tuple[float, ...] = (0.2, 0.6, 0.5), end: bool = False) -> Run:
    """A run that validated every 10 steps."""
    run = Run(folder)
    run.open(load_config(None, ["steps=40", *overrides]))
    run.write_data(DATA)
    run.write_validation(["a", "b"])
    run.write_code(CodeVersion(since=STARTED, commit="0123", changed=False, packages={"numpy": "2.0"}))
    rows = [{"step": 10.0 * n, "validation_mean_iou": score} for n, score in enumerate(scores, start=1)]
    if rows:
        run.write_history(rows)
        (run.checkpoints / f"step-{10 * len(rows):09d}").mkdir(parents=True)
    if end:
        run.last_network.write_bytes(b"")
    return run


def unknown(error: TrainingError) -> None:
    raise error


def test_what_a_line_tells(tmp_path: Path) -> None:
    run = made(tmp_path / "first")
    assert summarise_run(run, "first") == RunSummary(
        name="first", state="stopped", step=30, steps=40, pictures=480, best=0.6, last=0.5, started=STARTED
    )
    with training_lock(run.lock):
        assert summarise_run(run, "first").state == "going on"
        run.last_network.write_bytes(b"")
    assert summarise_run(run, "first").state == "finished"


def test_a_checkpoint_may_be_further_than_the_last_validation(tmp_path: Path) -> None:
    run = made(tmp_path)
    (run.checkpoints / "step-000000035").mkdir()
    (run.checkpoints / ".step-000000038").mkdir()  # half written
    (run.checkpoints / "step-old").mkdir()
    assert summarise_run(run, "").step == 35


@pytest.mark.parametrize(("read", "steps"), [(True, 25), (False, None)])
def test_epochs_are_steps_once_the_data_was_read(tmp_path: Path, read: bool, steps: int | None) -> None:
    run = made(tmp_path, "epochs=2", scores=())
    if not read:
        (tmp_path / "data.json").unlink()
    summary = summarise_run(run, "")
    assert (summary.steps, summary.step, summary.best, summary.last) == (steps, 0, None, None)


def test_a_run_of_an_earlier_release(tmp_path: Path) -> None:
    run = made(tmp_path)
    (tmp_path / "code.json").unlink()
    (tmp_path / "data.json").write_text('{"fingerprint": "abc", "training": 200, "validation": 2}')
    assert summarise_run(run, "").started is None
    assert [item.name for item in differences(run, made(tmp_path / "new"))] == [
        *("data.fingerprint", "data.training", "data.validation", "data.classes"),
        *("code.commit", "code.changed", "code.packages.numpy"),
    ]


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "step,x\n1,\n", "step\n1,2\n", "\x00", "step,x\n1\n"], ids=repr)
def test_a_history_that_is_none(tmp_path: Path, content: str) -> None:
    run = made(tmp_path, scores=())
    assert read_history(run) == []
    (tmp_path / "history.csv").write_text(content)
    assert read_history(run) == []
    assert summarise_run(run, "").best is None


def test_runs_are_found_wherever_they_lie(tmp_path: Path) -> None:
    for name in ("study/block-1/elu", "study/block-0/base", "first"):
        made(tmp_path / name)
    made(tmp_path / "first" / "inside")  # of a run, not a run
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "config.json").write_text('{"theme": "dark"}')
    skipped: list[str] = []
    found = find_runs(tmp_path, lambda error: skipped.append(error.detail))
    assert [run.name for run in found] == ["first", "study/block-0/base", "study/block-1/elu"]
    (only,) = skipped
    assert f"{tmp_path / 'notes'} is not the folder of a run" in only


def test_the_folder_may_be_a_run_itself(tmp_path: Path) -> None:
    made(tmp_path)
    assert [run.name for run in find_runs(tmp_path, unknown)] == ["."]


def test_no_runs_and_no_folder(tmp_path: Path) -> None:
    assert find_runs(tmp_path, unknown) == []
    with pytest.raises(TrainingError, match="there is no such folder"):
        find_runs(tmp_path / "none", unknown)


def test_equal_runs_do_not_differ(tmp_path: Path) -> None:
    one, other = made(tmp_path / "a", scores=(0.1,)), made(tmp_path / "b", scores=(0.9, 0.8))
    other.write_code(CodeVersion(since=datetime.now(UTC), commit="0123", changed=False, packages={"numpy": "2.0"}))
    assert differences(one, other) == []


def test_what_differs_has_a_name(tmp_path: Path) -> None:
    one = made(tmp_path / "a", "sampling.cat=1")
    other = made(tmp_path / "b", "network.block=conv", "network.filters=[8, 16]", "augmentation.rotation=3")
    other.write_machine("a GPU")
    other.write_validation(["a", "c"])
    other.write_code(CodeVersion(since=STARTED, commit="4567", changed=True, packages={"numpy": "2.1", "keras": "3"}))
    found = differences(one, other)
    assert Difference("sampling.cat", 1.0, None) in found
    assert Difference("network.filters", [64, 128, 256], [8, 16]) in found
    assert Difference("machine", "", "a GPU") in found
    assert Difference("code.packages.numpy", "2.0", "2.1") in found
    assert {item.name for item in found} == {
        *("sampling.cat", "network.block", "network.filters", "augmentation.rotation", "data.validation_list"),
        *("code.commit", "code.changed", "code.packages.numpy", "code.packages.keras", "machine"),
    }


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is not the folder of a run"):
        differences(made(tmp_path / "a"), Run(tmp_path / "b"))


@pytest.mark.parametrize(
    ("scores", "best", "last"),
    [((0.5, 0.7, 0.7, 0.6), 20, 40), ((None, None), 20, 20), ((), None, None)],
)
def test_of_which_step_a_network_is(
    tmp_path: Path, scores: tuple[float | None, ...], best: int | None, last: int | None
) -> None:
    run = Run(tmp_path)
    rows = [{"step": 10.0 * n, **({} if s is None else {"validation_mean_iou": s})} for n, s in enumerate(scores, 1)]
    if rows:
        run.write_history(rows)
    assert (network_step(run, last=False), network_step(run, last=True)) == (best, last)
