"""Stages of a picture's way through the service: whoever wants to know is told when one has ended."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

StageName = Literal["fetch", "decode", "queue", "inference", "encode"]


@dataclass(frozen=True)
class Stage:
    """A stage that has ended.

    Args:
        name: which one.
        begun: time of `time.perf_counter`, seconds.
        ended: likewise.
        error: what ended it before its time; None: it went well.
    """

    name: StageName
    begun: float
    ended: float
    error: BaseException | None = None


Report = Callable[[Stage], None]
"""Takes note of a stage that has ended; called in the event loop or in a thread, returns at once and never raises."""


def unreported(stage: Stage) -> None:
    """The report of whoever does not want to know."""


@contextmanager
def reported(report: Report, name: StageName) -> Iterator[None]:
    """The block is that stage; it is reported however it ends."""
    begun = time.perf_counter()
    try:
        yield
    except BaseException as error:
        report(Stage(name, begun, time.perf_counter(), error))
        raise
    report(Stage(name, begun, time.perf_counter()))
