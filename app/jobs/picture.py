"""One picture of a job: from its file to the files of its answers."""

import asyncio
import errno
import logging
import time
from dataclasses import dataclass
from functools import partial

from app.core.errors import (
    AnswerUnwritableError,
    FileUnreadableError,
    ImageError,
    ImageTooLargeError,
    JobError,
    OverloadedError,
    SegserveError,
)
from app.imaging.signatures import recognise
from app.inference.answers import SegmentOptions
from app.inference.outputs import Output
from app.inference.segmenter import SegmentAnswer, Segmenter
from app.jobs.contents import contents
from app.jobs.folder import HEAD, Entry, Folder, as_text
from app.jobs.layout import answer_path
from app.jobs.row import Row

logger = logging.getLogger(__name__)

SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif"),
    *(".avif", ".heic", ".heif", ".jp2", ".jxl"),
)
"""How names of pictures end. Others are pictures where their content is one."""
OF_THE_NAME = frozenset((errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.EILSEQ, errno.EINVAL, errno.ELOOP))
"""What is wrong with one path alone; any other error of writing is the disk's, and ends the job."""


class Turns:
    """Lets pictures be segmented side by side, and one that finds no room alone."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter
        self._open = asyncio.Event()
        self._open.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._alone = asyncio.Lock()
        self._busy = 0

    async def segment(self, data: bytes, filename: str, options: SegmentOptions) -> SegmentAnswer:
        """Segments one picture of that name.

        Raises:
            SegserveError: as `Segmenter.segment`; OverloadedError only where even alone there is no room for it.
        """
        await self._open.wait()
        try:
            return await self._counted(data, filename, options)
        except OverloadedError:
            async with self._alone:
                self._open.clear()
                try:
                    await self._idle.wait()
                    return await self._counted(data, filename, options)
                finally:
                    self._open.set()

    async def _counted(self, data: bytes, filename: str, options: SegmentOptions) -> SegmentAnswer:
        self._busy += 1
        self._idle.clear()
        try:
            return await self._segmenter.segment(data, options, filename=filename)
        finally:
            self._busy -= 1
            if not self._busy:
                self._idle.set()


@dataclass(frozen=True)
class Places:
    """Where a picture comes from and its answers go to, with the largest file that is read, in bytes."""

    source: Folder
    target: Folder
    max_bytes: int


async def segment_file(turns: Turns, entry: Entry, options: SegmentOptions, places: Places) -> Row:
    """What came of a picture; whatever is wrong with it is in its row.

    Raises:
        JobError: no answer can be written any more.
    """
    started = time.perf_counter()
    try:
        if not await asyncio.to_thread(_is_picture, entry, places.source):
            return Row(entry.path, "passed", entry.fingerprint)
        data = await asyncio.to_thread(_read, entry, places)
        found = await contents(partial(turns.segment, data, as_text(entry.path)), options)
        written = await asyncio.to_thread(_write, entry.path, found.files, places.target)
    except SegserveError as error:
        if type(error) is JobError:
            raise
        return Row.failed(entry, error, _since(started))
    except Exception:
        logger.exception("unexpected error with %s", ascii(entry.path))
        return Row.failed(entry, SegserveError("unexpected error; the log has it"), _since(started))
    return Row(
        entry.path,
        "done",
        entry.fingerprint,
        model=found.model,
        size=found.size,
        seconds=_since(started),
        answers=written,
        lossy=found.lossy or None,
    )


def _is_picture(entry: Entry, source: Folder) -> bool:
    if entry.path.lower().endswith(SUFFIXES):
        return True
    try:
        recognise(source.read(entry.path, HEAD))
    except OSError as error:
        raise FileUnreadableError(_reason(error)) from error
    except ImageError:
        return False
    return True


def _read(entry: Entry, places: Places) -> bytes:
    if entry.bytes > places.max_bytes:
        raise ImageTooLargeError(f"{entry.bytes:,} bytes are more than the {places.max_bytes:,} allowed")
    try:
        return places.source.read(entry.path, places.max_bytes + 1)  # it may have grown
    except OSError as error:
        raise FileUnreadableError(_reason(error)) from error


def _write(path: str, files: dict[Output, bytes], target: Folder) -> dict[str, int]:
    """Bytes of each answer by its path."""
    written = {}
    for output, content in files.items():
        name = answer_path(path, output)
        try:
            target.write(name, content)
        except OSError as error:
            if error.errno in OF_THE_NAME:
                raise AnswerUnwritableError(f"{name!a}: {_reason(error)}") from error
            raise JobError(f"{target.url}/{name} cannot be written: {_reason(error)}; what is done is kept") from error
        written[name] = len(content)
    return written


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 4)
