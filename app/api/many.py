"""Many pictures in one request: each has its own result or error, sent as soon as it is there."""

import asyncio
import base64
import json
import logging
import re
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from app.api.access import AccessRecord
from app.api.body import Upload
from app.api.errors import UNEXPECTED, Problem, problem_of
from app.api.waiting import Work, unless_late
from app.core.concurrency import side_by_side
from app.core.errors import DeadlineExceededError, SegserveError
from app.inference.outputs import OUTPUTS
from app.inference.segmenter import SegmentAnswer
from app.inference.workers import Tell

logger = logging.getLogger(__name__)

Many = Literal["ndjson", "zip"]
MANY_TYPES: dict[Many, str] = {"ndjson": "application/x-ndjson", "zip": "application/zip"}
JSON_TYPES = ("application/json", "application/geo+json")
"""Of answers that are part of their line of JSON; others stand in it in base64."""

Segment = Callable[[Upload, Tell], Coroutine[Any, Any, SegmentAnswer]]


@dataclass(frozen=True)
class Result:
    """What came of a picture.

    Args:
        index: which one of the request, from 0.
        filename: as the client calls it.
        outcome: its answer, or what was wrong.
    """

    index: int
    filename: str | None
    outcome: SegmentAnswer | Problem


def results(
    uploads: Sequence[Upload],
    segment: Segment,
    at_a_time: int,
    deadline: float | None,
    given_up: "set[asyncio.Task[Any]]",
) -> AsyncGenerator[Result]:
    """Results as they are ready; closed before its end, it cancels what has not been.

    Args:
        uploads: the pictures.
        segment: makes the answer of one.
        at_a_time: so many are worked on side by side: requests of others have their turns between them.
        deadline: time of the event loop after which pictures are given up; None: never.
        given_up: holds the tasks of pictures that were given up until they end.
    """

    async def result(index: int) -> Result:
        upload = uploads[index]
        return Result(index, upload.filename, await outcome_of(partial(segment, upload), deadline, given_up))

    return side_by_side(map(result, range(len(uploads))), at_a_time)


async def outcome_of(
    work: Work[SegmentAnswer], deadline: float | None, given_up: "set[asyncio.Task[Any]]"
) -> SegmentAnswer | Problem:
    """The answer for one of many pictures, or what was wrong.

    Args:
        work: makes the answer.
        deadline: as `results` has it.
        given_up: likewise.
    """
    seconds = None if deadline is None else max(0.0, deadline - asyncio.get_running_loop().time())
    try:
        return await unless_late(work, seconds, given_up)
    except TimeoutError:
        return problem_of(DeadlineExceededError("there was no answer within the seconds that the request gives"))
    except SegserveError as error:
        return problem_of(error)
    except Exception:
        logger.exception("unexpected error with one of many pictures")
        return problem_of(SegserveError(UNEXPECTED))


async def noted(found: AsyncGenerator[Result], record: AccessRecord) -> AsyncGenerator[Result]:
    """The same results; the problems among them stand in the record of their request."""
    async with aclosing(found):
        async for result in found:
            if isinstance(result.outcome, Problem):
                record.problems.append(result.outcome.code)
            yield result


async def ndjson(found: AsyncIterator[Result]) -> AsyncGenerator[bytes]:
    """A line of JSON for each result."""
    async for result in found:
        yield _line(result) + b"\n"


def _line(result: Result) -> bytes:
    line: dict[str, object] = {"index": result.index, "filename": result.filename}
    outcome = result.outcome
    if isinstance(outcome, Problem):
        return _text(line | {"status": outcome.status, "problem": outcome.model_dump(exclude_none=True)})
    line |= {"status": 200, "model": asdict(outcome.model), "size": outcome.size, "timings": asdict(outcome.timings)}
    line |= {"lossy": outcome.lossy} if outcome.lossy else {}
    if outcome.media_type in JSON_TYPES:
        return _text(line)[:-1] + b', "result": ' + outcome.content + b"}"  # which is one line of JSON itself
    return _text(line | {"media_type": outcome.media_type, "content": base64.b64encode(outcome.content).decode()})


def _text(line: dict[str, object]) -> bytes:
    return json.dumps(line, ensure_ascii=False).encode()


class _Sink:
    """A file that cannot be gone back in: what is written to it is taken out and sent."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        """What was written since the last call."""
        data = bytes(self._written)
        self._written.clear()
        return data


async def zipped(found: AsyncIterator[Result]) -> AsyncGenerator[bytes]:
    """A ZIP archive with a file for each result: the answer, or its problem as JSON."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w") as archive:  # type: ignore[call-overload]  # it needs no more of a file than this
        async for result in found:
            archive.writestr(zipfile.ZipInfo(_entry(result)), _content(result.outcome))
            yield sink.taken()
    yield sink.taken()


def _entry(result: Result) -> str:
    """Number and name of the picture; nothing that leads out of a folder."""
    stem = re.sub(r"[^\w-]+", "_", (result.filename or "picture").rpartition("/")[2].rsplit(".", 1)[0])[:60]
    outcome = result.outcome
    extension = "problem.json" if isinstance(outcome, Problem) else OUTPUTS[outcome.output].extension
    return f"{result.index:04d}-{stem}.{extension}"


def _content(outcome: SegmentAnswer | Problem) -> bytes:
    return outcome.model_dump_json(exclude_none=True).encode() if isinstance(outcome, Problem) else outcome.content


class ManyAnswers(StreamingResponse):
    """Streams results, and lets go of what they were made with at the end, however that comes.

    Args:
        found: the results.
        many: how to write them.
        held: what they are made with.
        headers: of the answer.
    """

    def __init__(
        self, found: AsyncGenerator[Result], many: Many, held: AsyncExitStack, headers: dict[str, str]
    ) -> None:
        writer = {"ndjson": ndjson, "zip": zipped}[many]
        disposition = {"Content-Disposition": f'inline; filename="segmentations.{many}"'}
        super().__init__(writer(found), headers=headers | disposition, media_type=MANY_TYPES[many])
        self._found = found
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the answer."""
        async with self._held, aclosing(self._found):
            await super().__call__(scope, receive, send)
