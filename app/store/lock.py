"""A lock between processes and threads; readers of the store need none."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = ".lock"
"""Name of the lock file in a model's folder; it is never removed."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds a model's lock; waits for it. The system releases it when its process ends in whatever way.

    Held for moments only: never while files are copied.

    Args:
        folder: of the model.

    Raises:
        OSError: the lock file cannot be written, or the file system knows no locks.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
