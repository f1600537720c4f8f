"""Folders that fsspec knows: one that keeps whole objects, and one that renames files."""

from pathlib import Path
from typing import Any

import pytest

from app.core.errors import ConfigurationError
from app.jobs.folder import STATE
from app.jobs.remote import RemoteFolder


@pytest.fixture(params=["memory", "dir"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> RemoteFolder:
    """Files of an object store in memory, and of a file system as seen through a proxy."""
    import fsspec
    from fsspec.implementations.dirfs import DirFileSystem

    if request.param == "memory":
        return RemoteFolder(f"memory://{tmp_path.name}/pictures")
    made = RemoteFolder(f"memory://{tmp_path.name}")
    made._system = DirFileSystem(str(tmp_path), fsspec.filesystem("file", auto_mkdir=True))
    made._root, made._puts = "pictures", False
    return made


def test_what_is_written_is_read(folder: RemoteFolder) -> None:
    assert folder.listing().entries == ()
    assert folder.sizes() == {}
    folder.write("a/b.jpg", b"123")
    folder.write("a/b.jpg", b"1234")
    folder.settle(["a/b.jpg"])
    folder.write_parts("a/b.jpg", iter([b"12", b"34"]))
    assert (folder.read("a/b.jpg"), folder.read("a/b.jpg", 2)) == (b"1234", b"12")
    assert folder.sizes() == {"a/b.jpg": 4}
    folder.remove(["a/b.jpg", "gone"])
    assert folder.sizes() == {}
    with folder.locked():
        pass


def test_a_file_that_is_not_there(folder: RemoteFolder) -> None:
    with pytest.raises(FileNotFoundError):
        folder.read("gone")


def test_a_changed_file_has_another_fingerprint(folder: RemoteFolder) -> None:
    fingerprints = set()
    for content in (b"one", b"two"):
        folder.write("a.jpg", content)
        (entry,) = folder.listing().entries
        fingerprints.add(entry.fingerprint)
    assert len(fingerprints) == 2


def test_hidden_files_and_other_jobs_are_passed_by(folder: RemoteFolder) -> None:
    for name in ("a.jpg", ".cache/x.jpg", f"out/{STATE}/README", "out/b/a.jpg.mask.png", "outer/a.jpg"):
        folder.write(name, b"1")
    listing = folder.listing()
    assert [entry.path for entry in listing.entries] == ["a.jpg", "outer/a.jpg"]
    assert listing.passed == 3


def test_what_a_store_raises_is_an_oserror(folder: RemoteFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any, **options: Any) -> None:
        raise RuntimeError("no credentials")

    for name in ("cat_file", "find"):
        monkeypatch.setattr(folder._system, name, broken)
    with pytest.raises(OSError, match="RuntimeError: no credentials"):
        folder.read("a.jpg")
    assert folder.listing().unreadable == (("/", "RuntimeError: no credentials"),)


def test_urls_that_nothing_here_reads() -> None:
    with pytest.raises(ConfigurationError, match="nonsense://a: "):
        RemoteFolder("nonsense://a")
