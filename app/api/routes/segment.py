"""`POST /segment`: a picture in, its segmentation out."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.api.body import read_pictures
from app.api.fetching.requests import fetched
from app.api.keys import KeyClaim
from app.api.many import MANY_TYPES, ManyAnswers, noted, results
from app.api.parameters import SEGMENT_OPTIONS, GivenOnce, SegmentQuery
from app.api.problems import UNUSABLE_MODEL, problem_answers
from app.api.schemas import SegmentBody
from app.api.state import RecordDependency, StateDependency, TraceDependency
from app.api.tracing import Trace
from app.api.waiting import ended, timeout_of, while_wanted
from app.core import errors
from app.inference.answers import Output
from app.inference.segmenter import Caller, SegmentAnswer
from app.inference.workers import Tell

FILENAMES: dict[Output, str] = {
    "mask": "mask.png",
    "overlay": "overlay.png",
    "cutout": "cutout.png",
    "probabilities": "probabilities.npy",
    "json": "segmentation.json",
}
BINARY = {"schema": {"type": "string", "format": "binary"}}
PICTURE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/avif", "image/tiff", "image/gif", "image/bmp")

REQUEST_BODY: dict[str, Any] = {
    "requestBody": {
        "description": "The picture: either the `file` part of a form, or the whole body, whatever its declared type; "
        "none beside `url`. A form may have several `file` parts: see `many`. The kind of a picture is told from its "
        "content. Options go into the query string, not into the form.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "array", "items": {"type": "string", "format": "binary"}}},
                }
            },
            **dict.fromkeys((*PICTURE_TYPES, "application/octet-stream"), BINARY),
        },
    }
}
ANSWER: dict[str, Any] = {
    "description": "The segmentation, of the size that the picture has when people see it.",
    "model": SegmentBody,
    "content": {"image/png": BINARY, "application/x-npy": BINARY, **dict.fromkeys(MANY_TYPES.values(), BINARY)},
    "headers": {
        "Segserve-Model": {
            "description": "Which model answered: name/version, checksum, engine, precision.",
            "schema": {"type": "string"},
            "example": "pets/1; sha256=8a5e0c…; engine=openvino; precision=f32",
        },
        "Server-Timing": {
            "description": "Milliseconds of each stage.",
            "schema": {"type": "string"},
            "example": "decode;dur=2.1, queue;dur=0.1, inference;dur=7.9, encode;dur=3.0",
        },
    },
}
PROBLEMS = problem_answers(
    errors.EmptyImageError,
    errors.InvalidImageError,
    errors.UnsupportedImageError,
    errors.ImageTooLargeError,
    errors.DecodeTimeoutError,
    errors.MalformedRequestError,
    errors.MissingFileError,
    errors.TooManyPartsError,
    errors.UrlNotAllowedError,
    errors.PictureNotFetchedError,
    errors.InvalidParameterError,
    errors.NotAcceptableError,
    errors.AnswerTooLargeError,
    errors.RequestTimeoutError,
    errors.OverloadedError,
    errors.DecodersStalledError,
    errors.DeadlineExceededError,
    errors.InferenceError,
    *UNUSABLE_MODEL,
)

router = APIRouter(tags=["segmentation"])


@router.post(
    "/segment",
    response_class=Response,
    dependencies=[GivenOnce],
    responses={200: ANSWER, **PROBLEMS},
    openapi_extra=REQUEST_BODY,
)
async def segment(
    request: Request,
    service: StateDependency,
    record: RecordDependency,
    claim: KeyClaim,
    trace: TraceDependency,
    query: Annotated[SegmentQuery, Query()],
) -> Response:
    """Says for every pixel of a picture which class it belongs to.

        curl --data-binary @cat.jpg 'http://localhost:8000/segment' > mask.png
        curl -F file=@cat.jpg 'http://localhost:8000/segment?output=overlay' > overlay.png
        curl --data-binary @cat.jpg 'http://localhost:8000/segment?output=json&classes=pet&threshold=0.6'
        curl -F file=@cat.jpg -F file=@dog.jpg 'http://localhost:8000/segment?many=zip' > masks.zip

    A client that hangs up is forgotten, and so is one whose deadline has passed (`timeout`, or the header
    `X-Request-Timeout`): what has not begun by then is never done. A picture that takes longer to decode than the
    service allows is answered with 504 `decode_timeout`.

    Nothing is kept: the picture stays in memory until it is answered, and goes to no disk and into no log.
    """
    timeout = timeout_of(request, query.timeout)
    deadline = None if timeout is None else asyncio.get_running_loop().time() + timeout
    body_read = asyncio.Event()

    async def work(tell: Tell) -> Response:
        async with AsyncExitStack() as held:
            served = await held.enter_async_context(service.using(query.model))
            options = query.options(request.headers.get("accept"), served.model.labels)
            options.require_possible(served.model.labels, served.model.view())
            held.enter_context(service.admission.slot())
            if query.url is None:
                uploads = await read_pictures(request, service.settings, SEGMENT_OPTIONS)
            else:
                uploads = [await fetched(query.url, request, service, trace, body_read)]
            record.pictures = len(uploads)

            async def one(picture: bytes, tell: Tell, trace: Trace = trace) -> SegmentAnswer:
                answer = await served.segmenter.segment(picture, options, Caller(claim, tell, trace.report))
                trace.answered(answer)
                record.note(answer)
                service.metrics.segmented(answer, served.model.labels)
                return answer

            async def one_of_many(picture: bytes, tell: Tell) -> SegmentAnswer:
                with trace.picture() as own:
                    return await one(picture, tell, own)

            if query.many is None and len(uploads) == 1:
                body_read.set()
                answer = await one(uploads[0].data, tell)
                return Response(answer.content, headers=_headers(answer), media_type=answer.media_type)
            given_up: set[asyncio.Task[SegmentAnswer]] = set()
            held.push_async_callback(ended, given_up)
            found = noted(results(uploads, one_of_many, served.segmenter.width, deadline, given_up), record)
            headers = {"Segserve-Model": served.model.identity.header, "Cache-Control": "no-store"}
            return ManyAnswers(found, query.many or "ndjson", held.pop_all(), headers)

    return await while_wanted(work, request, body_read, timeout)


def _headers(answer: SegmentAnswer) -> dict[str, str]:
    stages = asdict(answer.timings).items()
    return {
        "Segserve-Model": answer.model.header,
        "Server-Timing": ", ".join(f"{stage};dur={milliseconds:.2f}" for stage, milliseconds in stages),
        "Content-Disposition": f'inline; filename="{FILENAMES[answer.output]}"',
        "Cache-Control": "no-store",
    }
