"""Many pictures with one loaded model: read, decoded, computed, encoded and written side by side."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from app.core.settings import Settings
from app.inference.answers import SegmentOptions
from app.inference.budget import PixelBudget
from app.inference.cpus import available_cpus
from app.inference.loaded import LoadedModel
from app.inference.segmenter import Resources, Segmenter
from app.inference.workers import PixelWorkers
from app.jobs.folder import Entry
from app.jobs.picture import Places, Turns, segment_file
from app.jobs.row import Row

READ_AHEAD = 8
"""Files that are being read or written beside those that are worked on: object stores take their time."""


class Crew:
    """Segments pictures as the service does, of any number of files.

    Args:
        segmenter: it answers.
        places: where files are.
        options: how to segment.
        at_a_time: pictures side by side.
    """

    def __init__(self, segmenter: Segmenter, places: Places, options: SegmentOptions, at_a_time: int) -> None:
        self._turns = Turns(segmenter)
        self._places = places
        self._options = options
        self._at_a_time = at_a_time

    async def rows(self, entries: Iterable[Entry], stop: Callable[[], bool] = lambda: False) -> AsyncGenerator[Row]:
        """What came of each, as they are ready.

        Args:
            entries: the files.
            stop: asked before each; once it says so no more are begun.

        Raises:
            JobError: no answer can be written any more.
        """
        waiting = iter(entries)
        running: set[asyncio.Task[Row]] = set()
        try:
            while True:
                while len(running) < self._at_a_time and not stop() and (entry := next(waiting, None)) is not None:
                    work = segment_file(self._turns, entry, self._options, self._places)
                    running.add(asyncio.create_task(work))
                if not running:
                    return
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                failures = [task for task in done if task.exception() is not None]
                for task in done:
                    if task not in failures:
                        yield task.result()
                for task in failures:
                    task.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


@asynccontextmanager
async def crew(model: LoadedModel, settings: Settings, places: Places, options: SegmentOptions) -> AsyncIterator[Crew]:
    """A crew for a model, which it closes at the end.

    Args:
        model: the model.
        settings: limits; with `threads` given there are as many for pixels, too.
        places: where files are.
        options: how to segment.
    """
    threads = settings.threads or available_cpus()
    workers = PixelWorkers(threads, settings.decode_timeout_seconds)
    resources = Resources(workers, PixelWorkers(threads), PixelBudget(settings.max_queue_pixels))
    segmenter = Segmenter(model, settings, resources)
    try:
        yield Crew(segmenter, places, options, segmenter.scheduler.width + threads + READ_AHEAD)
    finally:
        await segmenter.close()
        await asyncio.to_thread(resources.close)
