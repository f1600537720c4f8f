"""`POST /segment`: a picture in, its segmentation out."""

import asyncio
from contextlib import AsyncExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.api.annotation_bodies import JsonAnswer
from app.api.asking import BY_REFERENCE, FORM, ONE_PICTURE, AskingDependency, answer_headers
from app.api.body import Upload, read_pictures
from app.api.fetching.requests import fetched
from app.api.many import MANY_TYPES, ManyAnswers, noted, results
from app.api.parameters import SEGMENT_OPTIONS, GivenOnce, SegmentQuery
from app.api.problems import problem_answers
from app.api.waiting import deadline_of, ended, timeout_of, while_wanted
from app.core import errors
from app.inference.segmenter import SegmentAnswer
from app.inference.workers import Tell

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
    "model": JsonAnswer,
    "content": {
        **dict.fromkeys(("image/png", "application/x-npy", *MANY_TYPES.values()), BINARY),
        "application/geo+json": {"schema": {"type": "object", "description": "A FeatureCollection of RFC 7946."}},
        "text/plain": {"schema": {"type": "string", "description": "Lines of `class x y x y …`."}},
    },
    "headers": {
        "Segserve-Model": {
            "description": "Which model answered: name/version, checksum, engine, precision.",
            "schema": {"type": "string"},
            "example": "pets/1; sha256=8a5e0c…; engine=openvino; precision=f32",
        },
        "Segserve-Lossy": {
            "description": "Which kinds of answers have lost something of the mask, and what: `holes` that the format "
            "cannot hold, and so filled; outlines, by up to `tolerance` pixels. Without it nothing is lost. Of several "
            "pictures each line has it as `lossy`.",
            "schema": {"type": "string"},
            "example": "yolo;holes=2;tolerance=1.5",
        },
        "Server-Timing": {
            "description": "Milliseconds of each stage.",
            "schema": {"type": "string"},
            "example": "decode;dur=2.1, queue;dur=0.1, inference;dur=7.9, encode;dur=3.0",
        },
    },
}
PROBLEMS = problem_answers(*ONE_PICTURE, *FORM, *BY_REFERENCE, errors.NotAcceptableError)

router = APIRouter(tags=["segmentation"])


@router.post(
    "/segment",
    response_class=Response,
    dependencies=[GivenOnce],
    responses={200: ANSWER, **PROBLEMS},
    openapi_extra=REQUEST_BODY,
)
async def segment(
    asking: AskingDependency,
    query: Annotated[SegmentQuery, Query()],
) -> Response:
    """Says for every pixel of a picture which class it belongs to.

        curl --data-binary @cat.jpg 'http://localhost:8000/segment' > mask.png
        curl -F file=@cat.jpg 'http://localhost:8000/segment?output=overlay' > overlay.png
        curl --data-binary @cat.jpg 'http://localhost:8000/segment?output=json&classes=pet&threshold=0.6'
        curl -F file=@cat.jpg 'http://localhost:8000/segment?output=mask,coco,yolo' > cat.zip
        curl -F file=@cat.jpg -F file=@dog.jpg 'http://localhost:8000/segment?many=zip' > masks.zip

    A client that hangs up is forgotten, and so is one whose deadline has passed (`timeout`, or the header
    `X-Request-Timeout`): what has not begun by then is never done. A picture that takes longer to decode than the
    service allows is answered with 504 `decode_timeout`.

    Nothing is kept: the picture stays in memory until it is answered, and goes to no disk and into no log.
    """
    request, service, record, trace = asking.request, asking.service, asking.record, asking.trace
    timeout = timeout_of(request, query.timeout)
    deadline = deadline_of(timeout)
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

            async def one_of_many(picture: Upload, tell: Tell) -> SegmentAnswer:
                with trace.picture() as own:
                    return await asking.answer(served, picture, options, tell, own)

            if query.many is None and len(uploads) == 1:
                body_read.set()
                answer = await asking.answer(served, uploads[0], options, tell)
                return Response(answer.content, headers=answer_headers(answer), media_type=answer.media_type)
            given_up: set[asyncio.Task[SegmentAnswer]] = set()
            held.push_async_callback(ended, given_up)
            found = noted(results(uploads, one_of_many, served.segmenter.width, deadline, given_up), record)
            headers = {"Segserve-Model": served.model.identity.header, "Cache-Control": "no-store"}
            return ManyAnswers(found, query.many or "ndjson", held.pop_all(), headers)

    return await while_wanted(work, request, body_read, timeout)
