"""When a call's turn comes in an engine that has more of them than it computes side by side."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(eq=False)
class Turn:
    """A call's turn.

    Args:
        begun: time of `time.perf_counter` in seconds since when it is computed; until then, since when it waits.
    """

    begun: float


class Turns:
    """Keeps count of the calls inside an engine, which takes them first come, first served, and tells nobody.

    Args:
        streams: calls that it computes side by side.
    """

    def __init__(self, streams: int) -> None:
        self._free = streams
        self._waiting: deque[Turn] = deque()
        self._lock = threading.Lock()

    @contextmanager
    def taken(self) -> Iterator[Turn]:
        """The block is a call, in a thread of its own."""
        with self._lock:
            turn = Turn(time.perf_counter())
            if self._free:
                self._free -= 1
            else:
                self._waiting.append(turn)
        try:
            yield turn
        finally:
            with self._lock:
                self._end(turn)

    def _end(self, turn: Turn) -> None:
        if turn in self._waiting:  # it was computed in the place of one that is done, but has not come to say so
            self._waiting.remove(turn)
            turn.begun = time.perf_counter()
        elif self._waiting:
            self._waiting.popleft().begun = time.perf_counter()
        else:
            self._free += 1
