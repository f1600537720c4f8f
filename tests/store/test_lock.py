import threading
from pathlib import Path

import pytest

from app.store.lock import LOCK, locked
from tests.store.conftest import Program

HOLD = """
from pathlib import Path
from app.store.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
TRY = """
import fcntl
with open(sys.argv[1]) as file:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        print("free")
    except BlockingIOError:
        print("busy")
"""


def state(program: Program, folder: Path) -> str:
    return program(TRY, folder / LOCK).communicate()[0].strip()


def test_other_processes_wait(tmp_path: Path, program: Program) -> None:
    with locked(tmp_path):
        assert state(program, tmp_path) == "busy"
    assert state(program, tmp_path) == "free"


def test_a_killed_process_holds_nothing(tmp_path: Path, program: Program) -> None:
    holder = program(HOLD, tmp_path)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert state(program, tmp_path) == "busy"
    holder.kill()
    holder.communicate()
    with locked(tmp_path):
        pass


def test_threads_take_turns(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")

    def count() -> None:
        for _ in range(100):
            with locked(tmp_path):
                counter.write_text(str(int(counter.read_text()) + 1))  # two at once would lose a step

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.read_text() == "400"


def test_an_error_inside_releases_it(tmp_path: Path, program: Program) -> None:
    with pytest.raises(RuntimeError), locked(tmp_path):
        raise RuntimeError
    assert state(program, tmp_path) == "free"


def test_a_lock_file_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    (tmp_path / LOCK).symlink_to(target)
    with pytest.raises(OSError, match="symbolic links"), locked(tmp_path):
        pass
    assert not target.exists()
