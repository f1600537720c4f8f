"""`POST /v2/models/NAME[/versions/VERSION]/infer`: pictures in tensors, their probabilities and masks out."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import asdict
from functools import partial
from typing import Any, TypeVar

from fastapi import APIRouter
from starlette.responses import Response

from app.api.asking import ONE_PICTURE, Asking, AskingDependency
from app.api.body import read_body
from app.api.oip.addressing import ModelName, Version, reference_of
from app.api.oip.answers import Body, encode_answers, require_affordable
from app.api.oip.body import JSON_LENGTH, decompressed, json_length
from app.api.oip.described import ANSWER, REQUEST_BODY
from app.api.oip.errors import error_answers
from app.api.oip.requests import InferenceRequest, read_request
from app.api.oip.schemas import MASK
from app.api.oip.tensors import TensorLimits
from app.api.state import State
from app.api.tracing import Trace
from app.api.waiting import ended, timeout_of, unless_late, while_wanted
from app.core import errors
from app.inference.answers import SegmentOptions
from app.inference.segmenter import SegmentAnswer
from app.inference.served import ServedModel
from app.inference.workers import Tell

T = TypeVar("T")

ERRORS = error_answers(*ONE_PICTURE, errors.MalformedRequestError, errors.TooManyPartsError)

router = APIRouter(tags=["open inference protocol"])


@router.post(
    "/v2/models/{name}/infer",
    response_class=Response,
    responses={200: ANSWER, **ERRORS},
    openapi_extra=REQUEST_BODY,
)
async def infer(asking: AskingDependency, name: ModelName) -> Response:
    """Says of each picture which class each of its pixels belongs to.

    The version is the one that answers by default, or the one that `production` points at. Pictures come as
    `encoded_image` (files of any kind and size that `POST /segment` takes) or as `image` (pixels at the network's own
    size); all of a request are answered, or none. With Triton's client:

        pictures = triton.InferInput("encoded_image", [1], "BYTES")
        pictures.set_data_from_numpy(np.array([data], dtype=np.object_))
        triton.InferenceServerClient("localhost:8000").infer("pets", [pictures]).as_numpy("mask")
    """
    return await _inferred(asking, reference_of(asking.service, name, None))


@router.post(
    "/v2/models/{name}/versions/{version}/infer",
    response_class=Response,
    responses={200: ANSWER, **ERRORS},
    openapi_extra=REQUEST_BODY,
)
async def infer_version(asking: AskingDependency, name: ModelName, version: Version) -> Response:
    """The same, by one version; where a version stands, an alias may."""
    return await _inferred(asking, reference_of(asking.service, name, version))


async def _inferred(asking: Asking, reference: str | None) -> Response:
    request, service = asking.request, asking.service
    length, body_read = json_length(request.headers), asyncio.Event()

    async def work(tell: Tell) -> Response:
        async with AsyncExitStack() as held:
            served = await held.enter_async_context(service.using(reference))
            held.enter_context(service.admission.slot())
            body = await read_body(request, service.settings)
            body_read.set()
            asked = await service.pool.workers.run(partial(_read, body, length, asking, served))
            asking.record.pictures = len(asked.pictures)
            held.enter_context(_place(service, served, asked))
            given_up: set[asyncio.Task[Any]] = set()
            held.push_async_callback(ended, given_up)
            try:
                answers = await unless_late(partial(_answers, asking, served, asked), asked.timeout, given_up)
            except TimeoutError:
                raise errors.DeadlineExceededError(
                    f"there was no answer within the {asked.timeout:g} seconds that the request gives"
                ) from None
            encode = partial(encode_answers, served.model.identity, asked, answers)
            return _response(await service.pool.workers.run(encode), answers)

    try:
        return await while_wanted(work, request, body_read, timeout_of(request, None))
    except MemoryError as error:
        raise errors.OverloadedError("there is no memory for this request at the moment; try again") from error


@contextmanager
def _place(service: State, served: ServedModel, asked: InferenceRequest) -> Iterator[None]:
    """Holds a place in the budget of pixels for probabilities, which are kept until the last picture is answered.

    Raises:
        AnswerTooLargeError: there are more of them than there is ever a place for.
        OverloadedError: there is none at the moment.
    """
    height, width = served.model.view().size
    pixels, budget = len(asked.pictures) * height * width, service.pool.budget
    if pixels > budget.limit:
        raise errors.AnswerTooLargeError(f"{len(asked.pictures)} pictures in one request are too many: send fewer")
    with budget.ticket() as claim:
        claim(pixels)
        yield


def _read(body: bytes, length: int | None, asking: Asking, served: ServedModel) -> InferenceRequest:
    """Reads a body, in a thread."""
    settings, view, classes = asking.service.settings, served.model.view(), len(served.model.labels)
    content = decompressed(body, asking.request.headers, settings.max_bytes)
    asked = read_request(content, length, TensorLimits(view.size, settings.max_parts, view.in_windows))
    require_affordable(asked, (*view.size, classes), settings.max_answer_bytes)
    return asked


async def _answers(asking: Asking, served: ServedModel, asked: InferenceRequest, tell: Tell) -> list[SegmentAnswer]:
    """One for each picture; all, or the first error."""
    service, several = asking.service, len(asked.pictures) > 1
    options = SegmentOptions("mask" if asked.wants(MASK) else "probabilities")
    left = service.settings.max_answer_bytes

    async def one(index: int, trace: Trace) -> SegmentAnswer:
        nonlocal left
        picture, caller = asked.pictures[index], asking.caller(tell, trace)
        try:
            if isinstance(picture, bytes):
                answer = await served.segmenter.segment(picture, options, caller)
            else:
                answer = await served.segmenter.segment_pixels(picture, options, caller)
        except (errors.ImageError, errors.InferenceError) as error:
            error.detail = f"picture {index}: {error.detail}" if several else error.detail
            raise
        asking.note(answer, served, trace)
        left -= len(answer.content)
        if left < 0:
            limit = service.settings.max_answer_bytes
            raise errors.AnswerTooLargeError(f"the masks take more than the limit of {limit:,} bytes: send fewer")
        return answer

    async def one_of_several(index: int) -> SegmentAnswer:
        with asking.trace.picture() as own:
            return await one(index, own)

    if not several:
        return [await one(0, asking.trace)]
    return await in_order(one_of_several, len(asked.pictures), served.segmenter.width)


async def in_order(work: Callable[[int], Coroutine[Any, Any, T]], count: int, at_a_time: int) -> list[T]:
    """What comes of the work for 0 … count − 1; the first error ends it, once what has begun has ended.

    Args:
        work: makes one result.
        count: how many are to be made.
        at_a_time: so many are worked on side by side.
    """
    results: dict[int, T] = {}
    waiting = iter(range(count))

    async def worker() -> None:
        for index in waiting:
            results[index] = await work(index)

    workers = [asyncio.create_task(worker()) for _ in range(min(count, at_a_time))]
    try:
        await asyncio.gather(*workers)
    finally:
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return [results[index] for index in range(count)]


def _response(body: Body, answers: list[SegmentAnswer]) -> Response:
    headers = {"Segserve-Model": answers[0].model.header, "Cache-Control": "no-store"}
    if len(answers) == 1:
        stages = asdict(answers[0].timings).items()
        headers["Server-Timing"] = ", ".join(f"{stage};dur={milliseconds:.2f}" for stage, milliseconds in stages)
    if body.json_length is None:
        return Response(body.content, headers=headers, media_type="application/json")
    headers[JSON_LENGTH] = str(body.json_length)
    return Response(body.content, headers=headers, media_type="application/octet-stream")
