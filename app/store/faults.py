"""Errors of the operating system, told with their remedy."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from app.core.errors import StoreUnavailableError

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_PERMISSION = {errno.EROFS, errno.EACCES, errno.EPERM}
_NO_FOLDER = {errno.ENOENT, errno.ENOTDIR}


def reason(error: OSError) -> str:
    """What went wrong and what to do about it, without paths."""
    what = error.strerror or type(error).__name__
    if error.errno in _NO_SPACE:
        return f"{what}; free some space or raise the limit, then try again"
    if error.errno in _NO_PERMISSION:
        return f"{what}; give this user access, or mount the store accordingly"
    if error.errno in _NO_FOLDER:
        return f"{what}; check the path and that the store is mounted"
    return f"{what}; try again, then look at the disk or the network mount"


@contextmanager
def store_access(what: str) -> Iterator[None]:
    """Turns errors of the operating system into ours.

    Args:
        what: the part of the store that is read or written, relative to its root.

    Raises:
        StoreUnavailableError: any `OSError` inside.
    """
    try:
        yield
    except OSError as error:
        raise StoreUnavailableError(f"model store, {what}: {reason(error)}") from error
