import json
import os
from pathlib import Path

import numpy as np
import pytest

from app.core.errors import TrainingError
from app.training import checkpoint as module
from app.training.checkpoint import KEPT, Checkpoints, TrainingState
from tests.training.drawn_pets import Array
from tests.training.full_disk import full_disk


def state(step: int) -> TrainingState:
    arrays: list[Array] = [np.full((4, 5), step, np.float32), np.array(step, np.int64)]
    history = [{"step": 1.0, "iou": float("nan")}, {"step": 2.0, "iou": 0.1 + 0.2}]
    return TrainingState(step, arrays, history, best=1 / 3)


def require_state(found: TrainingState | None, step: int) -> None:
    assert found is not None
    assert (found.step, found.best) == (step, 1 / 3)
    assert [array.tolist() for array in found.arrays] == [array.tolist() for array in state(step).arrays]
    assert [array.dtype for array in found.arrays] == [np.float32, np.int64]
    assert found.history[1] == {"step": 2.0, "iou": 0.1 + 0.2}
    assert np.isnan(found.history[0]["iou"])


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "run" / "checkpoints")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where `checkpoints` are."""
    return tmp_path / "run" / "checkpoints"


def test_there_is_none_at_first(checkpoints: Checkpoints) -> None:
    assert checkpoints.load() is None


def test_the_newest_comes_back(checkpoints: Checkpoints) -> None:
    for step in (9, 10, 11):
        checkpoints.save(state(step))
    require_state(checkpoints.load(), 11)


def test_a_state_without_history(checkpoints: Checkpoints) -> None:
    checkpoints.save(TrainingState(3, [np.zeros(1)]))
    found = checkpoints.load()
    assert found is not None
    assert (found.step, found.history, found.best) == (3, [], None)


def test_the_oldest_go(checkpoints: Checkpoints, folder: Path) -> None:
    for step in (5, 100, 1000, 20000):
        checkpoints.save(state(step))
    assert sorted(path.name for path in folder.iterdir()) == ["step-000001000", "step-000020000"]
    assert KEPT == 2


def test_the_same_step_is_not_written_twice(checkpoints: Checkpoints, folder: Path) -> None:
    checkpoints.save(state(5))
    written = (folder / "step-000000005" / "state.json").stat().st_mtime_ns
    checkpoints.save(TrainingState(5, [], [], None))
    assert (folder / "step-000000005" / "state.json").stat().st_mtime_ns == written
    require_state(checkpoints.load(), 5)


def test_a_full_disk_leaves_the_earlier_ones(checkpoints: Checkpoints, folder: Path) -> None:
    checkpoints.save(state(5))
    large = TrainingState(6, [np.zeros(100_000)], [], None)
    with full_disk(after=10_000), pytest.raises(TrainingError, match=r"step-000000006 .*File too large.*free space"):
        checkpoints.save(large)
    assert [path.name for path in folder.iterdir()] == ["step-000000005"]
    require_state(checkpoints.load(), 5)
    checkpoints.save(state(6))  # once there is space again
    require_state(checkpoints.load(), 6)


def test_a_process_that_dies_while_writing_leaves_the_earlier_ones(
    checkpoints: Checkpoints, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints.save(state(5))
    child = os.fork()
    if not child:
        monkeypatch.setattr(
            module, "write_file", lambda path, content: os._exit(9)
        )  # arrays written, no state.json yet
        checkpoints.save(state(6))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert sorted(path.name for path in folder.iterdir()) == [".step-000000006", "step-000000005"]
    require_state(checkpoints.load(), 5)
    checkpoints.save(state(6))
    assert sorted(path.name for path in folder.iterdir()) == ["step-000000005", "step-000000006"]
    require_state(checkpoints.load(), 6)


@pytest.mark.parametrize("file", ["state.json", "arrays-00.npz"])
@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "changed", "other"])
def test_a_damaged_one_is_named_and_the_one_before_serves(
    checkpoints: Checkpoints, folder: Path, file: str, damage: str
) -> None:
    checkpoints.save(state(5))
    checkpoints.save(state(6))
    newest = folder / "step-000000006"
    path = newest / file
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        middle = len(content) // 2
        changed = content[: middle - 9] + b"?" * 18 + content[middle + 9 :]
        path.write_bytes({"empty": b"", "truncated": content[:middle], "changed": changed, "other": b"[1]"}[damage])
    with pytest.raises(TrainingError, match=r"step-000000006 is damaged .*; delete it to go on from the one before"):
        checkpoints.load()
    for inner in newest.iterdir():
        inner.unlink()
    newest.rmdir()
    require_state(checkpoints.load(), 5)


def test_an_array_that_is_missing(checkpoints: Checkpoints, folder: Path) -> None:
    checkpoints.save(state(6))
    path = folder / "step-000000006" / "state.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"arrays": 3}))
    with pytest.raises(TrainingError, match=r"is damaged \(2 of 3 arrays\)"):
        checkpoints.load()
