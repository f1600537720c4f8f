"""A request for masks: what all routes share that answer with them, whichever protocol they speak."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from app.api.access import AccessRecord
from app.api.body import Upload
from app.api.keys import KeyClaim
from app.api.problems import UNUSABLE_MODEL
from app.api.state import RecordDependency, State, StateDependency, TraceDependency
from app.api.tracing import Trace
from app.api.waiting import timeout_of, while_wanted
from app.core import errors
from app.inference.answers import SegmentOptions
from app.inference.budget import Claim
from app.inference.caller import Caller
from app.inference.outputs import OUTPUTS
from app.inference.segmenter import SegmentAnswer
from app.inference.served import ServedModel
from app.inference.workers import Tell

ONE_PICTURE = (
    errors.EmptyImageError,
    errors.InvalidImageError,
    errors.UnsupportedImageError,
    errors.ImageTooLargeError,
    errors.DecodeTimeoutError,
    errors.InvalidParameterError,
    errors.AnswerTooLargeError,
    errors.RequestTimeoutError,
    errors.OverloadedError,
    errors.DecodersStalledError,
    errors.DeadlineExceededError,
    errors.InferenceError,
    *UNUSABLE_MODEL,
)
"""What can be wrong with a request for the mask of a picture, however it comes."""
FORM = (errors.MalformedRequestError, errors.MissingFileError, errors.TooManyPartsError)
"""What can be wrong with a form, besides."""
BY_REFERENCE = (errors.UrlNotAllowedError, errors.PictureNotFetchedError)
"""What can be wrong with a picture that is named by its URL, besides."""


@dataclass(frozen=True)
class Wanted:
    """What a request with one picture asks for.

    Args:
        picture: the picture.
        options: what to answer, if it is that model which answers.
        model: reference of the model; None: the default one.
    """

    picture: Upload
    options: Callable[[ServedModel], SegmentOptions]
    model: str | None = None


Read = Callable[[asyncio.Event], Awaitable[Wanted]]
"""Takes that from a request, and may set the event once nothing more is read from it."""


@dataclass(frozen=True)
class Asking:
    """Whoever asks for masks, and all that takes note of their answers.

    Args:
        request: the request.
        service: that answers.
        record: of the request, for the log.
        claim: takes the pixels from what its key may use.
        trace: of the request.
    """

    request: Request
    service: State
    record: AccessRecord
    claim: Claim
    trace: Trace

    async def answer(
        self, served: ServedModel, picture: Upload, options: SegmentOptions, tell: Tell, trace: Trace | None = None
    ) -> SegmentAnswer:
        """The answer for one picture, noted in log, metrics and trace.

        Args:
            served: the model, in use by the caller.
            picture: the picture.
            options: what to answer.
            tell: as `Caller` has it.
            trace: of the picture, where the request has several.

        Raises:
            SegserveError: as `Segmenter.segment`.
        """
        trace = self.trace if trace is None else trace
        caller = self.caller(tell, trace)
        answer = await served.segmenter.segment(picture.data, options, caller, picture.filename)
        self.note(answer, served, trace)
        return answer

    def caller(self, tell: Tell, trace: Trace) -> Caller:
        """Whom the segmenter tells of a picture."""
        return Caller(self.claim, tell, trace.report)

    def note(self, answer: SegmentAnswer, served: ServedModel, trace: Trace) -> None:
        """Takes note of an answer in log, metrics and trace."""
        trace.answered(answer)
        self.record.note(answer)
        self.service.metrics.segmented(answer, served.model.labels)

    async def only(self, read: Read) -> SegmentAnswer:
        """The answer of a request with one picture, while there is a place, while it is wanted and in time.

        Args:
            read: takes it from the request, once there is a place.

        Raises:
            SegserveError: what is wrong with request, picture, model or service.
            ClientDisconnect: the client hung up.
        """
        body_read = asyncio.Event()

        async def work(tell: Tell) -> SegmentAnswer:
            with self.service.admission.slot():
                wanted = await read(body_read)
                body_read.set()
                self.record.pictures = 1
                async with self.service.using(wanted.model) as served:
                    options = wanted.options(served)
                    options.require_possible(served.model.labels, served.model.view())
                    return await self.answer(served, wanted.picture, options, tell)

        return await while_wanted(work, self.request, body_read, timeout_of(self.request, None))


async def asked(
    request: Request, service: StateDependency, record: RecordDependency, claim: KeyClaim, trace: TraceDependency
) -> Asking:
    """Who asks for masks in a request."""
    return Asking(request, service, record, claim, trace)


AskingDependency = Annotated[Asking, Depends(asked)]


def segments(route: BaseRoute) -> bool:
    """Whether a route answers with masks, and so takes a place."""
    return isinstance(route, APIRoute) and any(each.call is asked for each in route.dependant.dependencies)


def answer_headers(answer: SegmentAnswer) -> dict[str, str]:
    """Headers of an answer for one picture."""
    stages = asdict(answer.timings).items()
    return {
        "Segserve-Model": answer.model.header,
        **({"Segserve-Lossy": answer.lossy} if answer.lossy else {}),
        "Server-Timing": ", ".join(f"{stage};dur={milliseconds:.2f}" for stage, milliseconds in stages),
        "Content-Disposition": f'inline; filename="{OUTPUTS[answer.output].filename}"',
        "Cache-Control": "no-store",
    }
