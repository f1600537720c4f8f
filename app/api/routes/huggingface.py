"""`POST /huggingface`: what Hugging Face's client asks for when it asks for an image segmentation."""

import asyncio
import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from app.api.annotation_bodies import ImageSegment
from app.api.asking import BY_REFERENCE, ONE_PICTURE, AskingDependency, Wanted, answer_headers
from app.api.body import Upload, read_body
from app.api.fetching.requests import fetch
from app.api.inline import inline_picture, read_object, validated
from app.api.parameters import MODEL, GivenOnce
from app.api.problems import problem_answers
from app.core.errors import MalformedRequestError
from app.inference.answers import SegmentOptions

NOT_FOR_CLASSES = "Of instances: not for a model that gives every pixel one class. Only null."


class Parameters(BaseModel):
    """Parameters as Hugging Face has them; those that this service cannot honour are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float | None = Field(
        None, ge=0, le=1, allow_inf_nan=False, description="Segments with a lower score are left out."
    )
    subtask: Literal["semantic"] | None = None
    mask_threshold: None = Field(None, description=NOT_FOR_CLASSES)
    overlap_mask_area_threshold: None = Field(None, description=NOT_FOR_CLASSES)


class Inputs(BaseModel):
    """A picture in JSON."""

    model_config = ConfigDict(frozen=True)

    inputs: str = Field(min_length=1)
    parameters: Parameters | None = None


class ModelQuery(BaseModel):
    """The query string."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str | None = MODEL


BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The picture itself, or JSON that holds it.",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["inputs"],
                    "properties": {
                        "inputs": {
                            "type": "string",
                            "description": "In base64; or its URL, as `url` of `POST /segment`.",
                        },
                        "parameters": {
                            "type": "object",
                            "description": "`threshold` (segments with a lower score are left out), `subtask` "
                            "(`semantic`); others are refused.",
                        },
                    },
                }
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}

router = APIRouter(tags=["compatible"])


@router.post(
    "/huggingface",
    response_class=Response,
    dependencies=[GivenOnce],
    responses={
        200: {"description": "A segment for each class in the picture.", "model": list[ImageSegment]},
        **problem_answers(*ONE_PICTURE, *BY_REFERENCE, MalformedRequestError),
    },
    openapi_extra=BODY,
)
async def image_segmentation(asking: AskingDependency, query: Annotated[ModelQuery, Query()]) -> Response:
    """Answers `InferenceClient(model="http://localhost:8000/huggingface").image_segmentation("cat.jpg")`.

        curl --data-binary @cat.jpg 'http://localhost:8000/huggingface'

    The same as `POST /segment?output=huggingface`, for clients that put the picture into JSON, too.
    """
    request, service = asking.request, asking.service
    parameters = Parameters()

    async def read(body_read: asyncio.Event) -> Wanted:
        nonlocal parameters
        if not _is_json(request):
            picture = Upload(await read_body(request, service.settings))
        else:
            given = validated(Inputs, await read_object(request, service.settings))
            body_read.set()
            parameters = given.parameters or parameters
            if given.inputs[:8].lower().startswith(("http://", "https://")):
                picture = await fetch(service.fetcher.allowed(given.inputs, "inputs"), service, asking.trace)
            else:
                picture = Upload(inline_picture(given.inputs, "inputs"))
        return Wanted(picture, lambda served: SegmentOptions("huggingface"), query.model)

    answer = await asking.only(read)
    content = answer.content
    if parameters.threshold:
        segments = [segment for segment in json.loads(content) if segment["score"] >= parameters.threshold]
        content = json.dumps(segments, ensure_ascii=False).encode()
    return Response(content, headers=answer_headers(answer), media_type=answer.media_type)


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
