"""Pictures inside of JSON: how bodies of other protocols are read."""

import asyncio
import base64
import json
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from app.api.body import read_body
from app.core.errors import InvalidParameterError, MalformedRequestError
from app.core.settings import Settings

B = TypeVar("B", bound=BaseModel)

MOST_VALUES = 2_000_000
"""In a body; each takes some 70 bytes once it is read, however short it was written."""


async def read_object(request: Request, settings: Settings) -> dict[str, Any]:
    """The body as a JSON object; it is parsed in a thread, since it may hold pictures.

    Raises:
        MalformedRequestError: it is none.
        ImageTooLargeError, RequestTimeoutError, ClientDisconnect: as `read_body`.
    """
    body = await read_body(request, settings)
    return await asyncio.to_thread(parsed_object, body)


def parsed_object(body: bytes) -> dict[str, Any]:
    """A JSON object.

    Raises:
        MalformedRequestError: it is none, or has more values than are read.
    """
    if sum(map(body.count, (b"[", b"{", b","))) > MOST_VALUES:
        raise MalformedRequestError(f"the body has more than {MOST_VALUES:,} values")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedRequestError("the body is not JSON") from error
    if not isinstance(found, dict):
        raise MalformedRequestError("the body is not a JSON object")
    return found


def validated(body: type[B], found: dict[str, Any]) -> B:
    """An object as a body of that kind.

    Raises:
        RequestValidationError: it is none.
    """
    try:
        return body.model_validate(found)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error


def inline_picture(text: str, parameter: str) -> bytes:
    """The bytes of a picture in base64, with or without the head of a data URL.

    Raises:
        InvalidParameterError: it is no base64.
    """
    if text.startswith("data:"):
        head, comma, text = text.partition(",")
        if not comma or not head.endswith(";base64"):
            raise InvalidParameterError(parameter, "a data URL has its picture in base64: data:image/jpeg;base64,…")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError as error:
        raise InvalidParameterError(parameter, "is not a picture in base64") from error
