import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.errors import TrainingError
from app.training.lock import is_locked, training_lock

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from pathlib import Path
from app.training.lock import training_lock
with training_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".lock"


@pytest.fixture
def holder(path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that trains in the folder."""
    command = [sys.executable, "-c", HOLD, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:  # type: ignore[call-overload]  # typed by name
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_another_process_is_refused(path: Path, holder: "subprocess.Popen[str]") -> None:
    assert is_locked(path)
    with pytest.raises(TrainingError, match="another process is training in it"), training_lock(path):
        pass
    holder.kill()
    holder.wait()
    assert not is_locked(path)
    with training_lock(path):
        assert is_locked(path)


def test_an_error_inside_releases_it(path: Path) -> None:
    with pytest.raises(RuntimeError), training_lock(path):
        raise RuntimeError
    assert not is_locked(path)


def test_who_only_asks_is_waited_for(path: Path) -> None:
    """However often others ask, training begins."""
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            is_locked(path)

    path.touch()
    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(20):
            with training_lock(path):
                pass
    finally:
        done.set()
        asking.join()


def test_a_folder_that_never_trained(path: Path) -> None:
    assert not is_locked(path)
    assert not path.exists()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="No such file"), training_lock(tmp_path / "none" / ".lock"):
        pass
