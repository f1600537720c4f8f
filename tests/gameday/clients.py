"""Clients that send a picture again and again, and keep what came of it."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from tests.fixtures.api_keys import WITH_KEY

Note = Callable[[str, str, str, str, str], None]
"""Adds a row to the table: what was done, what clients saw, for how long, what was lost, what log and metrics said."""


@dataclass(frozen=True)
class Answer:
    """What came of a request.

    Args:
        began: on the monotonic clock.
        seconds: until it was there.
        status: of the answer; 0: there was none.
        code: of the problem, or why there was no answer; empty with 200.
        content: of an answer with 200.
    """

    began: float
    seconds: float
    status: int
    code: str
    content: bytes


class Clients:
    """So many closed-loop clients.

    Args:
        url: where to.
        picture: what they send.
        count: how many.
        tries: how often a client sends a request that had no answer at all.
    """

    def __init__(self, url: str, picture: bytes, count: int = 4, tries: int = 1) -> None:
        self.answers: list[Answer] = []
        self._url, self._picture, self._tries = url, picture, tries
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(count)]

    @contextmanager
    def sending(self) -> Iterator["Clients"]:
        """They send while the block runs."""
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()

    def wait_for(self, count: int) -> None:
        """Returns when so many more have been answered with 200."""
        wanted = self.right + count
        deadline = time.monotonic() + 60
        while self.right < wanted:
            assert time.monotonic() < deadline, f"no {count} masks within a minute: {self.told()}"
            time.sleep(0.01)

    @property
    def right(self) -> int:
        """Answers with 200."""
        return sum(answer.status == httpx.codes.OK for answer in self.answers)

    def told(self) -> str:
        """All answers by status and code."""
        counted = Counter((answer.status, answer.code) for answer in self.answers)
        return ", ".join(
            f"{count:,} × {status or 'no answer'}{f' `{code}`' if code else ''}"
            for (status, code), count in sorted(counted.items())
        )

    def longest(self) -> float:
        """The longest wait for an answer, seconds."""
        return max(answer.seconds for answer in self.answers)

    def gap(self) -> float:
        """The longest time without an answer of 200 to anybody, seconds."""
        ends = sorted(answer.began + answer.seconds for answer in self.answers if answer.status == httpx.codes.OK)
        return max(after - before for before, after in itertools.pairwise(ends))

    def masks(self) -> set[bytes]:
        """All different masks that came."""
        return {answer.content for answer in self.answers if answer.status == httpx.codes.OK}

    def _send(self) -> None:
        with httpx.Client(headers=WITH_KEY, timeout=60) as client:  # which those need that know keys
            while not self._stop.is_set():
                began = time.monotonic()
                self.answers.append(self._answer(client, began))
                if not self.answers[-1].status:
                    time.sleep(0.2)

    def _answer(self, client: httpx.Client, began: float) -> Answer:
        for attempt in range(self._tries):
            try:
                response = client.post(f"{self._url}/segment", content=self._picture)
            except httpx.TransportError as error:
                reason = type(error).__name__
                if attempt + 1 < self._tries:
                    time.sleep(0.2)
                continue
            code = "" if response.status_code == httpx.codes.OK else response.json()["code"]
            return Answer(began, time.monotonic() - began, response.status_code, code, response.content)
        return Answer(began, time.monotonic() - began, 0, reason, b"")
