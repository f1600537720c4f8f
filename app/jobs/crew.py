"""Many pictures with one loaded model: read, decoded, computed, encoded and written side by side."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from itertools import takewhile

from app.core.concurrency import side_by_side
from app.core.settings import Settings
from app.inference.answers import SegmentOptions
from app.inference.cpus import available_cpus
from app.inference.loaded import LoadedModel
from app.inference.segmenter import Resources, Segmenter
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

    def rows(self, entries: Iterable[Entry], stop: Callable[[], bool] = lambda: False) -> AsyncGenerator[Row]:
        """What came of each, as they are ready.

        Args:
            entries: the files.
            stop: asked before each; once it says so no more are begun.

        Raises:
            JobError: no answer can be written any more.
        """
        wanted = takewhile(lambda entry: not stop(), entries)
        works = (segment_file(self._turns, entry, self._options, self._places) for entry in wanted)
        return side_by_side(works, self._at_a_time)


@asynccontextmanager
async def segmenting(model: LoadedModel, settings: Settings) -> AsyncIterator[Segmenter]:
    """A segmenter with threads of its own, for a model which it closes at the end.

    Args:
        model: the model.
        settings: limits; with `threads` given there are as many for pixels, too.
    """
    resources = Resources.of(settings, settings.threads)
    segmenter = Segmenter(model, settings, resources)
    try:
        yield segmenter
    finally:
        await segmenter.close()
        await asyncio.to_thread(resources.close)


@asynccontextmanager
async def crew(model: LoadedModel, settings: Settings, places: Places, options: SegmentOptions) -> AsyncIterator[Crew]:
    """A crew for a model, which it closes at the end.

    Args:
        model: the model.
        settings: limits; with `threads` given there are as many for pixels, too.
        places: where files are.
        options: how to segment.
    """
    async with segmenting(model, settings) as segmenter:
        at_a_time = segmenter.scheduler.width + (settings.threads or available_cpus()) + READ_AHEAD
        yield Crew(segmenter, places, options, at_a_time)
