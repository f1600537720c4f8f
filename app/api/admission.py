"""Bound on the requests worked on at a time."""

import math
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from app.core.errors import OverloadedError

LONGEST_RETRY_SECONDS = 60


class Admission:
    """Lets so many requests in at a time, from the first byte read to the answer made.

    Args:
        limit: how many.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._admitted = 0
        self._seconds: deque[float] = deque([0.0], maxlen=32)

    @property
    def admitted(self) -> int:
        """Requests inside now."""
        return self._admitted

    @property
    def full(self) -> bool:
        """Whether all places are taken."""
        return self._admitted >= self.limit

    @property
    def retry_after(self) -> int:
        """Whole seconds after which a newcomer may expect a place, at least 1.

        That is how long the last requests stayed: in that time all that are inside now will have left, if as many
        leave as come (Little's law).
        """
        return min(LONGEST_RETRY_SECONDS, max(1, math.ceil(median(self._seconds))))

    def refusal(self) -> OverloadedError:
        """What to tell whoever finds it full."""
        return OverloadedError(f"{self.limit} requests are being worked on; try again", self.retry_after)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Holds a place while its block runs.

        Raises:
            OverloadedError: all places are taken.
        """
        if self.full:
            raise self.refusal()
        self._admitted += 1
        entered = time.monotonic()
        try:
            yield
        except OverloadedError as error:
            error.retry_after = self.retry_after
            raise
        finally:
            self._admitted -= 1
            self._seconds.append(time.monotonic() - entered)
