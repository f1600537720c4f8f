"""Bound on the requests worked on at a time; the seam for queues measured in pictures, pixels and time."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.core.errors import OverloadedError


class Admission:
    """Lets so many requests in at a time, from the first byte read to the answer made.

    Args:
        limit: how many.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._admitted = 0

    @property
    def admitted(self) -> int:
        """Requests inside now."""
        return self._admitted

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Holds a place while its block runs.

        Raises:
            OverloadedError: all places are taken.
        """
        if self._admitted >= self._limit:
            raise OverloadedError(f"{self._limit} requests are being worked on; try again")
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1
