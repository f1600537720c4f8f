"""How much a second: a bucket that fills at a steady rate, and that is taken from."""

import math
import time
from threading import Lock

from app.core.errors import TooManyRequestsError


class Bucket:
    """A token bucket on the monotonic clock; full at first.

    Args:
        rate: how much flows in, a second.
        capacity: how much it holds.
        unit: what it is that is counted, for messages.
    """

    def __init__(self, rate: float, capacity: float, unit: str) -> None:
        self._rate = rate
        self._capacity = capacity
        self._unit = unit
        self._level = capacity
        self._filled_at = time.monotonic()
        self._lock = Lock()  # pixels are taken in the threads that read the headers of pictures

    def take(self, amount: float) -> None:
        """Takes that much, where there is so much.

        Raises:
            TooManyRequestsError: there is less; it says when there will be enough. Then nothing is taken.
        """
        self._remove(amount, at_least=amount)

    def borrow(self, amount: float) -> None:
        """Takes that much, also where there is less: the bucket is in debt then, until enough has flowed in.

        So an amount that no full bucket holds can be had, too, and is waited for afterwards.

        Raises:
            TooManyRequestsError: it is in debt already; it says until when. Then nothing is taken.
        """
        self._remove(amount, at_least=0.0)

    def _remove(self, amount: float, at_least: float) -> None:
        with self._lock:
            now = time.monotonic()
            self._level = min(self._capacity, self._level + (now - self._filled_at) * self._rate)
            self._filled_at = now
            if self._level < at_least:
                seconds = max(1, math.ceil((at_least - self._level) / self._rate))
                allowed = f"{self._rate:,.10g} {self._unit} a second"
                raise TooManyRequestsError(f"this key may use {allowed}; try again in {seconds} s", seconds)
            self._level -= amount
