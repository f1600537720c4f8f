"""Are the files of a version exactly those that its manifest lists?"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from app.core.errors import CorruptVersionError
from app.store.manifest import MANIFEST, FileEntry


def verify_files(folder: Path, files: Mapping[str, FileEntry], origin: str) -> None:
    """Reads every file of a version and compares; does nothing where all is well.

    Args:
        folder: of the version.
        files: what the manifest lists.
        origin: what messages call the version, for example `pets/3`.

    Raises:
        CorruptVersionError: a file is missing, unlisted, a link, of another size or content; the message names it.
        OSError: a file cannot be read.
    """
    present = set()
    for path, entry in _walk(folder):
        if entry.is_symlink() or not entry.is_file():
            raise CorruptVersionError(f"{origin}: {path} is not a plain file, which is never loaded")
        if path != MANIFEST and path not in files:
            raise CorruptVersionError(f"{origin}: {path} is not in the manifest, which is never loaded")
        present.add(path)
    for path, expected in sorted(files.items()):
        if path not in present:
            raise CorruptVersionError(f"{origin}: {path} is missing")
        _verify_file(folder / path, expected, f"{origin}: {path}")


def _walk(folder: Path, prefix: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Everything below the folder but its plain folders: relative path and entry."""
    with os.scandir(folder) as entries:
        for entry in entries:
            path = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(folder / entry.name, path + "/")
            else:
                yield path, entry


def _verify_file(path: Path, expected: FileEntry, origin: str) -> None:
    with open(path, "rb", opener=_no_links) as file:
        size = os.fstat(file.fileno()).st_size
        if size != expected.bytes:
            raise CorruptVersionError(f"{origin} has {size} bytes; the manifest says {expected.bytes}")
        if hashlib.file_digest(file, "sha256").hexdigest() != expected.sha256:
            raise CorruptVersionError(f"{origin} has another content than the manifest says (sha256 differs)")


def _no_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW)
