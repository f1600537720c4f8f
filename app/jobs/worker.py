"""A worker of a job on Ray: it holds the model and is given files, some at a time."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from typing import Any

from app import __version__
from app.core.errors import JobError, SegserveError
from app.core.telemetry import configure_logging
from app.jobs.crew import Crew, crew
from app.jobs.folder import Entry, open_folder
from app.jobs.journal import note
from app.jobs.layout import JOB
from app.jobs.picture import Places
from app.jobs.row import Row
from app.jobs.shipping import Package, unpack
from app.jobs.task import Task, worker_settings
from app.store.repository import ModelVersion


@dataclass(frozen=True)
class Orders:
    """What a worker is told when it begins.

    Args:
        task: what to do.
        version: of the model.
        settings: as `shared_settings` gives them.
        code: version of this program that the job was begun with.
    """

    task: Task
    version: ModelVersion
    settings: dict[str, Any]
    code: str = __version__


class Worker:
    """Segments files; a failed worker says why to each call, for Ray would start it again and again.

    Args:
        orders: what to do.
        package: the model.
    """

    def __init__(self, orders: Orders, package: Package) -> None:
        configure_logging("auto", "warning")
        self._runner = asyncio.Runner()
        self._open = AsyncExitStack()
        self._refusal: str | None = None
        try:
            self._crew, self._places = self._runner.run(self._begin(orders, package))
        except SegserveError as error:
            self._refusal = error.detail
        except OSError as error:
            self._refusal = str(error)

    def segment(self, files: Sequence[str]) -> list[str]:
        """Segments files and keeps what came of them in the job's folder.

        Args:
            files: entries as `file_line` writes them.

        Returns:
            A line of the manifest for each, in the order of the files; or one line that says why the job cannot go on.
        """
        if self._refusal is not None:
            return [ended(self._refusal)]
        entries = [Entry(**json.loads(line)) for line in files]
        try:
            rows = self._runner.run(self._rows(entries))
            note(self._places.target, rows)
        except JobError as error:
            return [ended(error.detail)]
        except OSError as error:
            return [ended(f"{self._places.target.url}: {error.strerror or error}")]
        found = {row.path: row for row in rows}
        return [found[entry.path].to_json() for entry in entries]

    def close(self) -> None:
        """Ends its threads and frees the model."""
        self._runner.run(self._open.aclose())
        self._runner.close()

    async def _begin(self, orders: Orders, package: Package) -> tuple[Crew, Places]:
        if orders.code != __version__:
            raise JobError(f"a worker has segserve {__version__}, the job was begun with {orders.code}")
        task, settings = orders.task, worker_settings(orders.settings)
        places = Places(open_folder(task.source), open_folder(task.target), settings.max_bytes)
        if places.target.read(JOB) != task.to_json():
            raise JobError(f"a worker sees another {JOB} in {task.target}: all need the same folders")
        model = unpack(package, orders.version, settings)
        if model.identity != task.model:
            model.close()
            raise JobError(f"a worker computes as {model.identity.header}, the job as {task.model.header}")
        workers = await self._open.enter_async_context(crew(model, settings, places, task.options))
        return workers, places

    async def _rows(self, entries: Sequence[Entry]) -> list[Row]:
        return [row async for row in self._crew.rows(entries)]


def file_line(entry: Entry) -> str:
    """A file as ASCII: names that are no Unicode survive it."""
    return json.dumps(asdict(entry))


def ended(reason: str) -> str:
    """The line that ends a job."""
    return json.dumps({"job_ended": reason})


def row_of(line: str) -> Row:
    """What a worker's line says.

    Raises:
        JobError: that the job cannot go on.
    """
    found = json.loads(line)
    if "job_ended" in found:
        raise JobError(found["job_ended"])
    return Row.from_json(line)
