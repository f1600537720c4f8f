"""Bound on the pixels of all pictures that are being worked on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from app.core.errors import OverloadedError

Claim = Callable[[int], None]
"""Takes so many pixels, or raises an error that says why it cannot be."""


class PixelBudget:
    """So many pixels at a time, whatever the pictures are that they belong to.

    Args:
        limit: how many.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._taken = 0
        self._lock = Lock()  # pixels are claimed in the threads that read the headers of pictures

    @property
    def taken(self) -> int:
        """Pixels that are taken now."""
        return self._taken

    @contextmanager
    def ticket(self) -> Iterator[Claim]:
        """Gives back at its end what was claimed in its block.

        The claim raises OverloadedError where there are not so many left; then nothing is taken.
        """
        claimed = 0

        def claim(pixels: int) -> None:
            nonlocal claimed
            with self._lock:
                if self._taken + pixels > self.limit:
                    raise OverloadedError(
                        f"pictures with {self._taken:,} pixels are being worked on; with these {pixels:,} "
                        f"they would be more than {self.limit:,}; try again"
                    )
                self._taken += pixels
                claimed += pixels

        try:
            yield claim
        finally:
            with self._lock:
                self._taken -= claimed
