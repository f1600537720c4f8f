"""The priority of threads that compute."""

import contextvars
import logging
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

logger = logging.getLogger(__name__)


def behind_others(nice: int, work: Callable[[], T]) -> T:
    """Does work in a thread whose priority is lower than the caller's; the threads that it starts inherit that (Linux).

    An engine's own threads never rest under load. At the priority of all others they push aside a thread that holds
    the interpreter's lock, and whoever waits for the lock, first of all the event loop, waits for the scheduler, too.

    Args:
        nice: added to the nice value, 0–19; where it is 0, or on other systems, the caller does the work itself.
        work: what makes the engine, and calls it for the first time.
    """
    if nice == 0 or sys.platform != "linux":  # elsewhere it is the process that has a priority
        return work()
    context = contextvars.copy_context()

    def lowered() -> T:
        try:
            os.nice(nice)  # of this thread alone
        except OSError as error:
            logger.warning("the engine's threads keep the priority of all others: %s", error.strerror)
        return context.run(work)

    with ThreadPoolExecutor(1, thread_name_prefix="engine") as thread:
        return thread.submit(lowered).result()
