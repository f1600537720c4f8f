from pathlib import Path

import pytest

from app.store.staging import remove_dead, staging
from tests.store.conftest import Program

STAGE = """
from pathlib import Path
from app.store.staging import staging
with staging(Path(sys.argv[1])) as stage:
    (stage.path / "half").write_text("ha")
    print(stage.path, flush=True)
    sys.stdin.read()
"""


def test_a_folder_for_the_time_of_the_work(tmp_path: Path) -> None:
    with staging(tmp_path) as stage:
        assert stage.path.parent == tmp_path
        assert stage.path.name.startswith(".tmp-")
        stage.manifest.write(b"{}")
        stage.manifest.flush()
        assert (stage.path / "manifest.json").read_bytes() == b"{}"
        (stage.path / "model.keras").touch()
    assert not stage.path.exists()


def test_a_failure_inside_removes_it(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"\.tmp-"), staging(tmp_path) as stage:
        raise RuntimeError(stage.path.name)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock"]


def test_what_was_renamed_stays(tmp_path: Path) -> None:
    with staging(tmp_path) as stage:
        stage.path.rename(tmp_path / "1")
    assert (tmp_path / "1" / "manifest.json").is_file()


def test_the_living_are_left_alone_and_the_dead_removed(tmp_path: Path, program: Program) -> None:
    other = program(STAGE, tmp_path)
    assert other.stdout is not None
    theirs = Path(other.stdout.readline().strip())
    with staging(tmp_path) as mine:
        remove_dead(tmp_path)
        assert (theirs / "half").is_file()
        assert mine.path.is_dir()
    other.kill()
    other.communicate()
    assert (theirs / "half").is_file()
    with staging(tmp_path):
        assert not theirs.exists()


def test_remains_of_every_kind_are_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".tmp-file").touch()
    (tmp_path / ".tmp-folder").mkdir()
    (tmp_path / ".tmp-link").symlink_to(tmp_path / "1")
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "manifest.json").touch()
    (tmp_path / "aliases.json").touch()
    remove_dead(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "aliases.json"]
    assert (tmp_path / "1" / "manifest.json").is_file()
