"""What came of a job."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from app.jobs.layout import MANIFEST
from app.jobs.row import Row
from app.jobs.task import Task

SHOWN = 10
"""Failures that are told one by one; the manifest has all of them."""


@dataclass(frozen=True)
class Summary:
    """What came of a job.

    Args:
        done: pictures that have their answers.
        resumed: those of them that had them before.
        failed: pictures and folders that could not be read or answered.
        passed: files and folders that are no pictures.
        codes: number of failures by code.
        failures: the first of them: path and reason.
        seconds: how long it took, this time.
        stopped: whether somebody asked it to stop before its end.
        model: NAME/VERSION.
        manifest: where its manifest is.
    """

    done: int
    resumed: int
    failed: int
    passed: int
    codes: dict[str, int]
    failures: list[tuple[str, str]]
    seconds: float
    stopped: bool
    model: str
    manifest: str

    def to_json(self) -> str:
        """For programs."""
        return json.dumps(asdict(self), indent=2)

    def text(self) -> str:
        """For people."""
        new = self.done - self.resumed
        lines = [f"{new} pictures segmented by {self.model} in {self.seconds:.1f} s"]
        if self.resumed:
            lines.append(f"{self.resumed} were done before")
        if self.passed:
            lines.append(f"{self.passed} passed by: no pictures")
        if self.failed:
            lines.append(f"{self.failed} failed:")
            lines += [f"  {path}: {reason}" for path, reason in self.failures]
            if self.failed > len(self.failures):
                lines.append(f"  and {self.failed - len(self.failures)} more")
        if self.stopped:
            lines.append("stopped before the end; the same command goes on")
        return "\n".join([*lines, f"see {self.manifest}"])


def summarise(task: Task, rows: Iterable[Row], resumed: int, passed: int, seconds: float, stopped: bool) -> Summary:
    """Counts the rows of a manifest.

    Args:
        task: the job.
        rows: what came of each picture.
        resumed: pictures that were done before.
        passed: files and folders that are no pictures and have no row.
        seconds: how long it took.
        stopped: whether it was asked to stop.
    """
    rows = list(rows)
    failed = sorted((row for row in rows if row.status == "failed"), key=lambda row: row.path)
    return Summary(
        done=sum(row.status == "done" for row in rows),
        resumed=resumed,
        failed=len(failed),
        passed=passed + sum(row.status == "passed" for row in rows),
        codes=dict(sorted(Counter(row.code or "" for row in failed).items())),
        failures=[(_shown(row.path), row.detail or "") for row in failed[:SHOWN]],
        seconds=round(seconds, 3),
        stopped=stopped,
        model=str(task.model),
        manifest=f"{task.target}/{MANIFEST}",
    )


def _shown(path: str) -> str:
    """A path as it may go to a terminal: without control characters, and without bytes that are no text."""
    return path if path.isprintable() else ascii(path)[1:-1]
