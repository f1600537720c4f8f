import hashlib
import os
from pathlib import Path

import pytest

from app.store.durable import TEMPORARY, copy_file, sync, sync_folder, temporary_path, write_atomically


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files and folders that were brought to the disk, in order."""
    names: list[str] = []
    fsync = os.fsync

    def record(descriptor: int) -> None:
        names.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    return names


@pytest.mark.parametrize("content", [b"", b"abc", os.urandom(3_000_001)], ids=["empty", "short", "long"])
def test_copying_gives_checksum_and_size(tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "source"
    source.write_bytes(content)
    sources: list[Path | bytes] = [source, content]
    for number, given in enumerate(sources):
        target = tmp_path / f"target{number}"
        entry = copy_file(given, target)
        assert target.read_bytes() == content
        assert (entry.sha256, entry.bytes) == (hashlib.sha256(content).hexdigest(), len(content))


def test_a_copy_is_on_the_disk(tmp_path: Path, synced: list[str]) -> None:
    copy_file(b"abc", tmp_path / "target")
    assert synced == ["target"]


def test_a_copy_replaces_nothing(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old")
    with pytest.raises(FileExistsError):
        copy_file(b"new", target)
    assert target.read_bytes() == b"old"


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        copy_file(tmp_path / "gone", tmp_path / "target")
    assert Path(caught.value.filename) == tmp_path / "gone"


def test_a_write_replaces_the_file_and_leaves_nothing_beside(tmp_path: Path, synced: list[str]) -> None:
    path = tmp_path / "aliases.json"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]
    assert len(synced) == 4
    assert synced[0].startswith(TEMPORARY)
    assert synced[1] == tmp_path.name


def test_a_write_that_fails_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "aliases.json"
    write_atomically(path, b"old")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_files_are_as_readable_as_the_umask_allows(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_atomically(tmp_path / "aliases.json", b"{}")
        copy_file(b"x", tmp_path / "model.keras")
    finally:
        os.umask(before)
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()} == {
        "aliases.json": "0o644",
        "model.keras": "0o644",
    }


def test_temporary_paths_differ(tmp_path: Path) -> None:
    paths = {temporary_path(tmp_path) for _ in range(100)}
    assert len(paths) == 100
    assert all(path.parent == tmp_path and path.name.startswith(TEMPORARY) for path in paths)


def test_only_folders_are_synced_as_folders(tmp_path: Path, synced: list[str]) -> None:
    sync_folder(tmp_path)
    assert synced == [tmp_path.name]
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        sync_folder(tmp_path / "file")


def test_files_and_folders_are_brought_to_the_disk(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    sync(tmp_path / "file")
    sync(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync(tmp_path / "nothing")
