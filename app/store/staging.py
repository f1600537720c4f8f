"""The folder in which a version is put together before it appears."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.store.durable import TEMPORARY, temporary_path
from app.store.lock import locked
from app.store.manifest import MANIFEST


@dataclass(frozen=True)
class Staging:
    """A version in the making.

    Args:
        path: its folder, beside the versions.
        manifest: its manifest, empty and open for writing; locked, which tells others that the publish is alive.
    """

    path: Path
    manifest: BinaryIO


@contextmanager
def staging(folder: Path) -> Iterator[Staging]:
    """Makes a staging folder and removes what dead publishes left; at the end it is gone, unless it was renamed.

    Args:
        folder: of the model.

    Raises:
        OSError: it could not be made.
    """
    path = temporary_path(folder)
    try:
        with locked(folder):
            remove_dead(folder)
            path.mkdir()
            manifest = (path / MANIFEST).open("xb")
            fcntl.flock(manifest, fcntl.LOCK_EX)
        with manifest:
            yield Staging(path, manifest)
    finally:
        shutil.rmtree(path, ignore_errors=True)


def remove_dead(folder: Path) -> None:
    """Removes what crashed processes left unfinished; called under the model's lock.

    A publish makes its folder and locks the manifest in it under the model's lock, so a folder seen here without a
    locked manifest belongs to nobody; so does any unfinished file.
    """
    for path in folder.glob(f"{TEMPORARY}*"):
        if path.is_dir() and not path.is_symlink():
            if not _alive(path):
                shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


def _alive(path: Path) -> bool:
    try:
        with (path / MANIFEST).open("r+b") as manifest:
            fcntl.flock(manifest, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:  # locked, or not ours to judge
        return True
    return False
