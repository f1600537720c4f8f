import os
import subprocess
from pathlib import Path

import pytest

from app.core.errors import JobError
from app.jobs.folder import STATE
from app.jobs.local import LocalFolder


@pytest.fixture
def folder(tmp_path: Path) -> LocalFolder:
    for name in ("b/c.jpg", "a.jpg", "b/a.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"123")
    return LocalFolder(tmp_path)


def paths(folder: LocalFolder) -> list[str]:
    return [entry.path for entry in folder.listing().entries]


def test_files_are_listed_in_order(folder: LocalFolder) -> None:
    assert paths(folder) == ["a.jpg", "b/a.jpg", "b/c.jpg"]
    assert {entry.bytes for entry in folder.listing().entries} == {3}


def test_a_changed_file_has_another_fingerprint(folder: LocalFolder, tmp_path: Path) -> None:
    before = folder.listing().entries[0]
    os.utime(tmp_path / "a.jpg", ns=(1, 1))
    assert folder.listing().entries[0].fingerprint != before.fingerprint


def test_links_are_followed_and_loops_are_not(folder: LocalFolder, tmp_path: Path) -> None:
    (tmp_path / "b" / "up").symlink_to(tmp_path)
    (tmp_path / "linked").symlink_to(tmp_path / "b")
    (tmp_path / "file").symlink_to(tmp_path / "a.jpg")
    listing = folder.listing()
    assert [entry.path for entry in listing.entries] == [
        "a.jpg", "b/a.jpg", "b/c.jpg", "file", "linked/a.jpg", "linked/c.jpg"
    ]  # fmt: skip
    assert listing.passed == 2
    assert listing.unreadable == ()


def test_a_link_to_nowhere_and_a_folder_that_is_closed_are_told(
    folder: LocalFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nowhere.jpg").symlink_to("gone")
    scandir = os.scandir

    def closed(path: Path) -> object:
        if path.name == "b":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    listing = folder.listing()
    assert listing.unreadable == (("b/", "Permission denied"), ("nowhere.jpg", "No such file or directory"))
    assert [entry.path for entry in listing.entries] == ["a.jpg"]


def test_pipes_hidden_files_and_other_jobs_are_passed_by(folder: LocalFolder, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "x.jpg").touch()
    (tmp_path / "job" / STATE).mkdir(parents=True)
    (tmp_path / "job" / "mask.png").touch()
    assert paths(folder) == ["a.jpg", "b/a.jpg", "b/c.jpg"]
    assert folder.listing().passed == 3


def test_a_deep_tree_is_walked(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    for _ in range(600):
        os.mkdir("d", dir_fd=descriptor)
        deeper = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = deeper
    os.close(descriptor)
    try:
        assert LocalFolder(tmp_path).listing().entries == ()
    finally:
        subprocess.run(["rm", "-r", tmp_path / "d"], check=True)  # shutil's own would recurse too deeply


def test_a_pipe_is_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        LocalFolder(tmp_path).read("pipe")


def test_reading(folder: LocalFolder) -> None:
    assert folder.read("a.jpg") == b"123"
    assert folder.read("a.jpg", 2) == b"12"
    with pytest.raises(FileNotFoundError):
        folder.read("gone")


def test_writing_makes_folders_and_leaves_nothing_else(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path / "new")
    folder.write("x/y/z.png", b"one")
    folder.write("x/y/z.png", b"two")
    folder.settle(["x/y/z.png"])
    assert folder.sizes() == {"x/y/z.png": 3}
    assert folder.read("x/y/z.png") == b"two"
    assert len(list((tmp_path / "new").rglob("*"))) == 3
    folder.remove(["x/y/z.png", "gone"])
    assert folder.sizes() == {}


def test_a_file_in_parts(folder: LocalFolder, tmp_path: Path) -> None:
    folder.write_parts("a.jpg", iter([b"1", b"2"]))
    assert folder.read("a.jpg") == b"12"
    with pytest.raises(ZeroDivisionError):
        folder.write_parts("a.jpg", (b"%d" % (1 // number) for number in (1, 0)))
    assert folder.read("a.jpg") == b"12"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_full_disk_leaves_the_old_file(folder: LocalFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        folder.write("a.jpg", b"new")
    assert (tmp_path / "a.jpg").read_bytes() == b"123"
    assert len(list(tmp_path.iterdir())) == 2


def test_what_a_dead_writer_left_is_removed(folder: LocalFolder, tmp_path: Path) -> None:
    (tmp_path / "b" / ".tmp-segserve-1").write_bytes(b"half")
    assert set(folder.sizes()) == {"a.jpg", "b/a.jpg", "b/c.jpg"}
    assert not (tmp_path / "b" / ".tmp-segserve-1").exists()


def test_one_job_at_a_time(folder: LocalFolder) -> None:
    with folder.locked(), pytest.raises(JobError, match="another job writes to"), folder.locked():
        pass
    with folder.locked():
        pass


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JobError, match="cannot be written to"), LocalFolder(tmp_path / "file").locked():
        pass
