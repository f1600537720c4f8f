"""Writing files so that they survive a crash: fsync of the file, then of its folder."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from app.store.manifest import FileEntry

TEMPORARY = ".tmp-"
"""Prefix of everything that is not finished; readers pass over it, the next publish removes what is left over."""

_CHUNK = 1 << 20


def temporary_path(folder: Path) -> Path:
    """A path in the folder that nothing else uses."""
    return folder / f"{TEMPORARY}{uuid4().hex}"


def write_atomically(path: Path, data: bytes) -> None:
    """Replaces the file: a reader sees the old content or the new one, also after a crash.

    Raises:
        OSError: it could not be written; the old content is still there.
    """
    temporary = temporary_path(path.parent)
    try:
        copy_file(data, temporary)
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def copy_file(source: Path | bytes, target: Path) -> FileEntry:
    """Writes a new file and returns its checksum; on return it is on the disk.

    Raises:
        OSError: source or target failed; `filename` says which.
    """
    digest, size = hashlib.sha256(), 0
    try:
        with target.open("xb") as file:
            for chunk in _chunks(source):
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        error.filename = error.filename or str(target)  # a failed write names no file
        raise
    return FileEntry(sha256=digest.hexdigest(), bytes=size)


def sync_folder(folder: Path) -> None:
    """Brings the folder's entries to the disk.

    Raises:
        OSError: it failed.
    """
    sync(folder, os.O_DIRECTORY)


def sync(path: Path, flags: int = 0) -> None:
    """Brings a file's content, or a folder's entries, to the disk: they last through a power cut.

    Args:
        path: of the file or folder.
        flags: for opening it, besides reading.

    Raises:
        OSError: it failed.
    """
    descriptor = os.open(path, os.O_RDONLY | flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _chunks(source: Path | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
