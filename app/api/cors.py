"""Pages of other origins: which may call the API from a browser, and what they may send and see."""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from app.api.errors import ProblemResponse, problem_of
from app.api.keys import HEADER
from app.api.middleware import REQUEST_ID
from app.api.oip.body import JSON_LENGTH
from app.api.waiting import TIMEOUT_HEADER
from app.core.errors import ForbiddenError

METHODS = ("GET", "HEAD", "POST")
SENT = ("Authorization", HEADER, REQUEST_ID, TIMEOUT_HEADER, JSON_LENGTH)
"""Headers that a page may send, beside those that every page may."""
SHOWN = (REQUEST_ID, "Segserve-Model", "Segserve-Lossy", "Server-Timing", "Retry-After", "traceresponse", JSON_LENGTH)
"""Headers of answers that it may read, likewise."""


class CrossOriginMiddleware(CORSMiddleware):
    """Starlette's, with the one body that every error has. No cookie is ever of use here, so none is allowed.

    Args:
        app: the application.
        origins: whose pages may call; `*` is all of them.
    """

    def __init__(self, app: ASGIApp, origins: list[str]) -> None:
        super().__init__(app, origins, METHODS, SENT, expose_headers=SHOWN)

    def preflight_response(self, request_headers: Headers) -> Response:
        """What a browser is told that asks before it sends."""
        response = super().preflight_response(request_headers)
        if response.status_code < 400:
            return response
        problem = problem_of(
            ForbiddenError("the setting cors_origins, or the API, does not have what the page asks for")
        )
        return ProblemResponse(problem, {"Vary": response.headers["vary"]})
