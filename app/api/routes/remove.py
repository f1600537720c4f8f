"""`/api/remove`: the protocol of rembg's server, for its clients; a picture in, its foreground out."""

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from app.api.asking import BY_REFERENCE, FORM, ONE_PICTURE, Asking, AskingDependency, Read, Wanted, answer_headers
from app.api.body import FILE_PART, Upload, is_form, read_body, read_form
from app.api.fetching.hosts import LONGEST_URL
from app.api.fetching.requests import fetched
from app.api.inline import validated
from app.api.multipart import Part
from app.api.parameters import MODEL, GivenOnce
from app.api.problems import problem_answers
from app.core.errors import InvalidParameterError, MissingFileError
from app.inference.answers import Colour, SegmentOptions

NOT_HERE: Final = "this service has no such step; leave it out, or set it to false"
LONGEST_FIELD = 2000
"""Bytes of a field that are looked at."""
_THRESHOLD = Field(0, ge=0, le=255, description="Of alpha matting, which is not offered: without meaning.")


class RemoveQuery(BaseModel):
    """Parameters as rembg has them, in the query string or as fields of the form; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str | None = MODEL
    om: bool = Field(False, description="Only the mask: a grey PNG of the alpha.", examples=[True])
    bgc: str | None = Field(
        None,
        description="Background colour `R,G,B,A`, each 0–255; without A it is opaque.",
        examples=["255,255,255,255"],
    )
    a: bool = Field(False, description="Alpha matting: not offered, true is refused.", examples=[False])
    af: int = _THRESHOLD
    ab: int = _THRESHOLD
    ae: int = Field(0, ge=0, description="Of alpha matting, likewise.")
    ppm: bool = Field(False, description="Smoothing of the mask: not offered, true is refused.", examples=[False])
    extras: str | None = Field(None, max_length=1000, description="Settings of rembg's models: refused.")

    @field_validator("a", "ppm", "extras")
    @classmethod
    def _offered(cls, value: bool | str | None) -> bool | str | None:
        if value and value != "{}":
            raise PydanticCustomError("not_here", NOT_HERE)
        return value

    @property
    def background(self) -> Colour | None:
        """RGBA of `bgc`.

        Raises:
            InvalidParameterError: it is no colour.
        """
        if not self.bgc:
            return None
        parts = [part.strip() for part in self.bgc.split(",")]
        if len(parts) not in (3, 4) or not all(part.isascii() and part.isdecimal() for part in parts):
            raise InvalidParameterError("bgc", "R,G,B,A, as in 255,255,255,255")
        values = [int(part[:5]) for part in (*parts, "255")[:4]]
        if max(values) > 255:
            raise InvalidParameterError("bgc", "each of R,G,B,A is from 0 to 255")
        red, green, blue, alpha = values
        return red, green, blue, alpha

    def wanted(self, picture: Upload) -> Wanted:
        """What these parameters ask for of a picture.

        Raises:
            InvalidParameterError: no colour.
        """
        options = SegmentOptions("cutout", alpha_only=self.om, background=self.background)
        return Wanted(picture, lambda served: options, self.model)


class RemoveUrlQuery(RemoveQuery):
    """The same for a picture by reference."""

    url: str = Field(
        min_length=1,
        max_length=LONGEST_URL,
        description="Where to fetch the picture, as `url` of `POST /segment`.",
        examples=["https://example.org/cat.jpg"],
    )


BINARY = {"schema": {"type": "string", "format": "binary"}}
ANSWER: dict[str, Any] = {"description": "The picture without its background.", "content": {"image/png": BINARY}}
FORM_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The picture, as the `file` part of a form; all parameters may be fields of it.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
            "application/octet-stream": BINARY,
        },
    }
}

router = APIRouter(tags=["compatible"])


@router.post(
    "/api/remove",
    response_class=Response,
    dependencies=[GivenOnce],
    responses={200: ANSWER, **problem_answers(*ONE_PICTURE, *FORM)},
    openapi_extra=FORM_BODY,
)
async def remove(asking: AskingDependency, query: Annotated[RemoveQuery, Query()]) -> Response:
    """Removes the background, as rembg's server does: RGBA, its alpha the probability of the foreground.

        curl -F file=@cat.jpg 'http://localhost:8000/api/remove' > cutout.png
        curl -F file=@cat.jpg -F om=true 'http://localhost:8000/api/remove' > alpha.png
        curl -F file=@cat.jpg 'http://localhost:8000/api/remove?bgc=255,255,255,255' > white.png

    `model` is one of this service (rembg's are not here: 404). Steps that this service does not have are refused.
    """
    request, settings = asking.request, asking.service.settings

    async def read(body_read: asyncio.Event) -> Wanted:
        if not is_form(request):
            return query.wanted(Upload(await read_body(request, settings)))
        picture, fields = _of_form(await read_form(request, settings))
        given = query.model_dump(exclude_unset=True)
        if both := given.keys() & fields.keys():
            raise InvalidParameterError(min(both), "given in the query string and in the form")
        return validated(RemoveQuery, given | fields).wanted(picture)

    return await _answer(asking, read)


@router.get(
    "/api/remove",
    response_class=Response,
    dependencies=[GivenOnce],
    responses={200: ANSWER, **problem_answers(*ONE_PICTURE, *BY_REFERENCE)},
)
async def remove_url(asking: AskingDependency, query: Annotated[RemoveUrlQuery, Query()]) -> Response:
    """The same for a picture that lies on another server; off unless the operator lists hosts.

    curl 'http://localhost:8000/api/remove?url=https://example.org/cat.jpg' > cutout.png
    """

    async def read(body_read: asyncio.Event) -> Wanted:
        return query.wanted(await fetched(query.url, asking.request, asking.service, asking.trace, body_read))

    return await _answer(asking, read)


async def _answer(asking: Asking, read: Read) -> Response:
    answer = await asking.only(read)
    return Response(answer.content, headers=answer_headers(answer), media_type=answer.media_type)


def _of_form(parts: list[Part]) -> tuple[Upload, dict[str, str]]:
    """The picture, and the fields beside it."""
    picture: Upload | None = None
    fields: dict[str, str] = {}
    for part in parts:
        if part.name == FILE_PART and picture is None:
            picture = Upload(bytes(part.data), part.filename)
        elif part.name == FILE_PART or part.name in fields:
            raise InvalidParameterError(part.name[:80], "given several times")
        else:
            fields[part.name] = bytes(part.data[:LONGEST_FIELD]).decode(errors="replace")
    if picture is None:
        raise MissingFileError("the form needs a part named `file` with the picture")
    return picture, fields
