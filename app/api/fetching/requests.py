"""Pictures of requests that name them by their URLs."""

import asyncio
import time

import httpx
from fastapi import Request

from app.api.body import Upload, read_nothing
from app.api.state import State
from app.api.tracing import Trace
from app.core.errors import InvalidParameterError
from app.inference.stages import reported


async def fetched(url: str, request: Request, service: State, trace: Trace, body_read: asyncio.Event) -> Upload:
    """The picture that a request without a body names.

    Args:
        url: as the client wrote it.
        request: the request; that it has no body is read here.
        service: fetches it.
        trace: is told of it as of a stage.
        body_read: set once nothing more is read from the request.

    Raises:
        InvalidParameterError: a body beside the URL, or a URL that is none.
        SegserveError: as `Fetcher.fetch`.
    """
    allowed = service.fetcher.allowed(url)
    if not await read_nothing(request, service.settings):
        raise InvalidParameterError("url", "goes without a body: send the picture or its URL")
    body_read.set()
    return await fetch(allowed, service, trace)


async def fetch(url: httpx.URL, service: State, trace: Trace, authorization: str | None = None) -> Upload:
    """The picture at an allowed URL, as a stage of its request.

    Args:
        url: where it lies.
        service: fetches it.
        trace: is told of it.
        authorization: as `Fetcher.fetch` has it.

    Raises:
        SegserveError: as `Fetcher.fetch`.
    """
    begun = time.perf_counter()
    try:
        with reported(trace.report, "fetch"):
            return await service.fetcher.fetch(url, authorization)
    finally:
        service.metrics.fetched(time.perf_counter() - begun)
