"""A job on this machine, with all its cores."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager, suppress

from app.core.settings import Settings
from app.inference.loaded import LoadedModel
from app.jobs.crew import crew
from app.jobs.folder import Folder
from app.jobs.journal import note
from app.jobs.picture import Places
from app.jobs.plan import Plan, finish, make_plan, writing
from app.jobs.row import Row
from app.jobs.summary import Summary, summarise
from app.jobs.task import Task

SIGNALS = (signal.SIGINT, signal.SIGTERM)
NOTE_EVERY_ROWS = 256
NOTE_EVERY_SECONDS = 5.0
"""At most so much is done again after a crash."""

Tell = Callable[[int, int], None]
"""Is told how many of how many files are done."""


def untold(done: int, total: int) -> None:
    """For those who wait for the end."""


def run_plain(
    task: Task, model: LoadedModel, settings: Settings, folders: tuple[Folder, Folder], overwrite: bool, tell: Tell
) -> Summary:
    """Does the whole job, or what is left of it; Ctrl-C and SIGTERM end it once what is begun is done.

    Args:
        task: what to do.
        model: the model; closed at the end.
        settings: limits of the service.
        folders: of pictures and of answers.
        overwrite: whether to begin anew in a folder that holds another job's answers.
        tell: is told how far it is.

    Raises:
        ConfigurationError, JobError: it cannot begin or go on; what is done is kept.
    """
    started = time.monotonic()
    source, target = folders
    with writing(target):
        plan = make_plan(task, source, target, overwrite)
        places = Places(source, target, settings.max_bytes)
        rows, stopped = asyncio.run(_work(plan, task, model, settings, places, tell))
        known = finish(plan, rows, target, whole=not stopped)
    return summarise(task, known, plan.resumed, plan.passed, time.monotonic() - started, stopped)


async def _work(
    plan: Plan, task: Task, model: LoadedModel, settings: Settings, places: Places, tell: Tell
) -> tuple[list[Row], bool]:
    """The rows of all files that were looked at, and whether somebody asked to stop."""
    rows: list[Row] = []
    noted, last = 0, time.monotonic()
    with _stop_asked() as stop:
        async with crew(model, settings, places, task.options) as workers:
            try:
                async with aclosing(workers.rows(plan.entries, stop)) as found:
                    async for row in found:
                        rows.append(row)
                        tell(len(rows), len(plan.entries))
                        if len(rows) - noted >= NOTE_EVERY_ROWS or time.monotonic() - last >= NOTE_EVERY_SECONDS:
                            await asyncio.to_thread(note, places.target, rows[noted:])
                            noted, last = len(rows), time.monotonic()
            except BaseException:
                with suppress(OSError):  # the first error is the one to tell
                    note(places.target, rows[noted:])
                raise
        return rows, stop()


@contextmanager
def _stop_asked() -> Iterator[Callable[[], bool]]:
    """Says whether a signal has come; a second one ends the process as it always would."""
    loop, asked = asyncio.get_running_loop(), asyncio.Event()

    def on_signal() -> None:
        asked.set()
        remove()

    def remove() -> None:
        for number in SIGNALS:
            loop.remove_signal_handler(number)

    with suppress(RuntimeError, ValueError):  # not in the main thread: signals are somebody else's
        for number in SIGNALS:
            loop.add_signal_handler(number, on_signal)
    try:
        yield asked.is_set
    finally:
        remove()
