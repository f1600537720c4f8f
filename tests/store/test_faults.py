import errno
import os

import pytest

from app.core.errors import StoreUnavailableError
from app.store.faults import reason, store_access


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "No space left on device; free some space"),
        (errno.EDQUOT, "free some space"),
        (errno.EROFS, "Read-only file system; give this user access"),
        (errno.EACCES, "Permission denied; give this user access"),
        (errno.ENOENT, "No such file or directory; check the path"),
        (errno.EIO, "try again, then look at the disk"),
        (errno.ESTALE, "network mount"),
    ],
)
def test_every_fault_has_a_remedy_and_no_path(number: int, remedy: str) -> None:
    text = reason(OSError(number, os.strerror(number), "/secret/place"))
    assert remedy in text
    assert "/secret" not in text


def test_a_fault_without_words_is_called_by_its_class() -> None:
    assert reason(TimeoutError()).startswith("TimeoutError; ")


def test_errors_of_the_system_become_ours_and_keep_their_cause() -> None:
    expected = pytest.raises(StoreUnavailableError, match="model store, pets: Input/output error")
    with expected as caught, store_access("pets"):
        raise OSError(errno.EIO, "Input/output error", "/secret/place")
    assert isinstance(caught.value.__cause__, OSError)


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), store_access("pets"):
        raise KeyError("x")
