"""A lock that says whether a process is training in a folder; the system releases it when that process ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.core.errors import TrainingError

ATTEMPTS = 5


@contextmanager
def training_lock(path: Path) -> Iterator[None]:
    """Keeps every other process from training in a folder.

    Args:
        path: the lock file in the folder; made when missing, never removed.

    Raises:
        TrainingError: another process is at it, or the file cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise TrainingError(f"{path}: {error.strerror or error}") from error
    try:
        for attempt in range(ATTEMPTS):
            if _try_lock(descriptor, fcntl.LOCK_EX):
                break
            time.sleep(0.01 * (attempt + 1))  # who only asks `is_locked` holds it for a moment
        else:
            raise TrainingError(f"{path.parent}: another process is training in it; wait for it, or end it")
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock now."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _try_lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
