"""The pictures of a request: its body, or the `file` parts of its form; counted while they arrive, kept in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Request

from app.api.multipart import FormReader, Part
from app.core.errors import ImageTooLargeError, InvalidParameterError, MissingFileError, RequestTimeoutError
from app.core.settings import Settings

FILE_PART = "file"


@dataclass(frozen=True)
class Upload:
    """A picture that a client sent.

    Args:
        data: its bytes.
        filename: of a `file` part, where it has one.
    """

    data: bytes
    filename: str | None = None


async def read_pictures(request: Request, settings: Settings, options: frozenset[str]) -> list[Upload]:
    """The pictures that a request carries, at least one.

    Args:
        request: `multipart/form-data` with `file` parts; of any other type, the whole body is the picture.
        settings: limits of size, parts and time.
        options: names of query parameters, which are refused as form fields instead of being ignored.

    Raises:
        ImageTooLargeError: more bytes than allowed, declared or counted.
        RequestTimeoutError: the body took too long to arrive.
        MalformedRequestError, TooManyPartsError, MissingFileError, InvalidParameterError: about the form.
        ClientDisconnect: the client hung up.
    """
    if not is_form(request):
        return [Upload(await read_body(request, settings))]
    return _pictures_of(await read_form(request, settings), options)


def is_form(request: Request) -> bool:
    """Whether the body says that it is a multipart form."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "multipart/form-data"


async def read_body(request: Request, settings: Settings) -> bytes:
    """The whole body.

    Raises:
        ImageTooLargeError, RequestTimeoutError, ClientDisconnect: as `read_pictures`.
    """
    async with _in_time(settings):
        return b"".join([chunk async for chunk in _counted(request, settings.max_bytes)])


async def read_form(request: Request, settings: Settings) -> list[Part]:
    """The parts of a multipart form.

    Raises:
        MalformedRequestError, TooManyPartsError: about the form.
        ImageTooLargeError, RequestTimeoutError, ClientDisconnect: as `read_pictures`.
    """
    async with _in_time(settings):
        reader = FormReader(request.headers.get("content-type", ""), settings.max_parts)
        async for chunk in _counted(request, settings.max_bytes):
            reader.feed(chunk)
        return reader.finish()


async def read_nothing(request: Request, settings: Settings) -> bool:
    """Whether the body is empty, which is all that is read of it.

    Raises:
        ImageTooLargeError, RequestTimeoutError, ClientDisconnect: as `read_pictures`.
    """
    async with _in_time(settings):
        async for chunk in _counted(request, settings.max_bytes):
            if chunk:
                return False
    return True


@asynccontextmanager
async def _in_time(settings: Settings) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(settings.body_timeout_seconds):
            yield
    except TimeoutError as error:
        seconds = f"{settings.body_timeout_seconds:g}"
        raise RequestTimeoutError(f"the body was not complete after {seconds} seconds") from error


async def _counted(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body as it arrives, as long as it is no longer than `limit` bytes."""
    too_large = ImageTooLargeError(f"the request has more than {limit} bytes, which is the limit")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise too_large
    count = 0
    async for chunk in request.stream():
        count += len(chunk)
        if count > limit:
            raise too_large
        yield chunk


def _pictures_of(parts: list[Part], options: frozenset[str]) -> list[Upload]:
    """The `file` parts."""
    for part in parts:
        if part.name in options:
            raise InvalidParameterError(
                part.name, f"options go into the query string, as in /segment?{part.name}=…, not into the form"
            )
    files = [part for part in parts if part.name == FILE_PART]
    if not files:
        found = ", ".join(sorted({ascii(part.name[:40]) for part in parts})) or "none"
        raise MissingFileError(f"the form needs a part named `file` with the picture; parts found: {found}")
    return [Upload(bytes(part.data), part.filename) for part in files]
