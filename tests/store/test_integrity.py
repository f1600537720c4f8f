import os
from collections.abc import Callable
from pathlib import Path

import pytest

from app.core.errors import CorruptVersionError
from app.store.durable import copy_file
from app.store.integrity import verify_files
from app.store.manifest import FileEntry

Damage = Callable[[Path], object]


@pytest.fixture
def version(tmp_path: Path) -> tuple[Path, dict[str, FileEntry]]:
    folder = tmp_path / "3"
    (folder / "openvino").mkdir(parents=True)
    contents = {"model.keras": b"weights" * 100, "openvino/model.bin": b"\x00\x01", "empty": b""}
    files = {path: copy_file(data, folder / path) for path, data in contents.items()}
    (folder / "manifest.json").write_text("{}")
    return folder, files


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def move_away_and_link(path: Path) -> None:
    elsewhere = path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(elsewhere)


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def test_untouched_files_pass(version: tuple[Path, dict[str, FileEntry]]) -> None:
    folder, files = version
    verify_files(folder, files, "pets/3")


DAMAGES: dict[str, tuple[Damage, str]] = {
    "truncated": (lambda v: os.truncate(v / "model.keras", 699), r"model.keras has 699 bytes; the manifest says 700"),
    "emptied": (lambda v: os.truncate(v / "model.keras", 0), r"model.keras has 0 bytes"),
    "appended": (lambda v: (v / "empty").write_bytes(b"x"), "empty has 1 bytes; the manifest says 0"),
    "bit flipped": (lambda v: flip_a_bit(v / "model.keras"), r"model.keras has another content .*sha256"),
    "bit flipped below": (lambda v: flip_a_bit(v / "openvino/model.bin"), r"openvino/model.bin has another content"),
    "missing": (lambda v: (v / "openvino/model.bin").unlink(), r"openvino/model.bin is missing"),
    "renamed": (lambda v: (v / "empty").rename(v / "full"), "full is not in the manifest"),
    "added": (lambda v: (v / "run.py").touch(), r"run.py is not in the manifest"),
    "added below": (lambda v: (v / "openvino/.x").touch(), r"openvino/.x is not in the manifest"),
    "link": (lambda v: move_away_and_link(v / "model.keras"), r"model.keras is not a plain file"),
    "linked folder": (lambda v: move_away_and_link(v / "openvino"), "openvino is not a plain file"),
    "dangling link": (lambda v: (v / "x").symlink_to("gone"), "x is not a plain file"),
    "pipe": (lambda v: os.mkfifo(v / "pipe"), "pipe is not a plain file"),
    "linked manifest": (lambda v: move_away_and_link(v / "manifest.json"), r"manifest.json is not a plain file"),
    "folder in place of a file": (lambda v: replace_by_folder(v / "empty"), "empty is missing"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES.keys())
def test_any_damage_is_found_and_named(
    version: tuple[Path, dict[str, FileEntry]], damage: Damage, message: str
) -> None:
    folder, files = version
    damage(folder)
    with pytest.raises(CorruptVersionError, match=f"^pets/3: {message}"):
        verify_files(folder, files, "pets/3")


def test_a_file_that_cannot_be_read_is_not_called_corrupt(
    version: tuple[Path, dict[str, FileEntry]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, files = version

    def exhausted(*_: object) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "open", exhausted)
    with pytest.raises(OSError, match="Too many open files"):
        verify_files(folder, files, "pets/3")
