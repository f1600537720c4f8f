"""What a job still has to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.core.errors import FileUnreadableError, JobError
from app.jobs.dataset import write_dataset
from app.jobs.folder import Entry, Folder
from app.jobs.journal import is_done, recall, write_manifest
from app.jobs.layout import DATASET, JOB
from app.jobs.row import Row
from app.jobs.task import Task, begin, require_apart


@dataclass(frozen=True)
class Plan:
    """A job that has begun.

    Args:
        entries: files to look at.
        rows: what is known already, by path.
        resumed: pictures that were done before.
        passed: what is no picture, as far as the listing shows.
    """

    entries: tuple[Entry, ...]
    rows: dict[str, Row]
    resumed: int
    passed: int


@contextmanager
def writing(target: Folder) -> Iterator[None]:
    """Has the folder of answers to itself; where it fails the job ends with a reason.

    Raises:
        JobError: another job has it, or it cannot be written to.
    """
    try:
        with target.locked():
            yield
    except OSError as error:
        raise JobError(f"{target.url}: {error.strerror or error}; what is done is kept") from error


def make_plan(task: Task, source: Folder, target: Folder, overwrite: bool) -> Plan:
    """Compares what is there with what was done; called while the target is locked.

    What is done stays done where picture and answers are as they were; failures are tried again.

    Raises:
        ConfigurationError: pictures and answers would be mixed up.
        JobError: the target holds another job's answers, and is not to be overwritten; there are no pictures.
        OSError: the target cannot be read or written.
    """
    require_apart(source.url, target.url)
    sizes = target.sizes()
    known = recall(target, sizes)
    if overwrite:
        target.remove([*(path for row in known.values() for path in row.answers or ()), JOB])
        known = {}
    begin(task, target, target.read(JOB) if JOB in sizes and not overwrite else None)
    found = source.listing()
    if not found.entries and found.unreadable:
        path, reason = found.unreadable[0]
        raise JobError(f"{source.url}/{path}".rstrip("/") + f" cannot be read: {reason}")
    done = {entry.path for entry in found.entries if is_done(entry, known.get(entry.path), sizes)}
    rows = {path: known[path] for path in done}
    for path, reason in found.unreadable:
        rows[path] = Row.failed(Entry(path, 0, ""), FileUnreadableError(reason))
    write_manifest(target, rows.values(), sizes)
    waiting = tuple(entry for entry in found.entries if entry.path not in done)
    if waiting:
        target.remove([DATASET])  # it is of the answers as they were
    return Plan(waiting, rows, len(done), found.passed)


def finish(plan: Plan, rows: list[Row], target: Folder, whole: bool = True) -> list[Row]:
    """Writes the manifest of all pictures and, once all were looked at, what is made of all answers; returns the rows.

    Raises:
        JobError: an answer is not what was written.
        OSError: it could not be written.
    """
    every = plan.rows | {row.path: row for row in rows}
    kept = write_manifest(target, every.values(), target.sizes())
    if whole:
        write_dataset(target, kept)
    return list(every.values())
