"""The only table from error to HTTP status, and the one body that every error has (RFC 9457)."""

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from app.api.access import AccessRecord
from app.core import errors
from app.core.telemetry import request_id

logger = logging.getLogger(__name__)

PROBLEM_TYPE = "application/problem+json"
CLIENT_CLOSED_REQUEST: Final = 499
"""Status in log and metrics of a request whose client hung up; nobody reads it as an answer."""
RETRY_AFTER_SECONDS: Final = 1
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
UNEXPECTED: Final = "unexpected error; the log has it under this request id"
NOT_FOUND: Final = "nothing is served at this path; what is stands at /docs, unless that is switched off"

STATUS: Final[Mapping[type[errors.SegserveError], int]] = {
    errors.SegserveError: 500,
    errors.ConfigurationError: 500,
    errors.ImageError: 400,
    errors.EmptyImageError: 400,
    errors.InvalidImageError: 400,
    errors.UnsupportedImageError: 415,
    errors.ImageTooLargeError: 413,
    errors.DecodeTimeoutError: 504,
    errors.RequestError: 400,
    errors.UnauthorizedError: 401,
    errors.ForbiddenError: 403,
    errors.TooManyRequestsError: 429,
    errors.NotFoundError: 404,
    errors.MalformedRequestError: 400,
    errors.MissingFileError: 422,
    errors.UrlNotAllowedError: 422,
    errors.PictureNotFetchedError: 422,
    errors.TooManyPartsError: 413,
    errors.InvalidParameterError: 422,
    errors.NotSupportedError: 404,
    errors.NotAcceptableError: 406,
    errors.AnswerTooLargeError: 413,
    errors.RequestTimeoutError: 408,
    errors.OverloadedError: 503,
    errors.DecodersStalledError: 503,
    errors.DeadlineExceededError: 504,
    errors.ModelError: 500,
    errors.ModelNotFoundError: 404,
    errors.ModelNotLoadedError: 409,
    errors.ModelUnusableError: 409,
    errors.ModelInUseError: 409,
    errors.PoolFullError: 409,
    errors.ModelNotReadyError: 503,
    errors.EngineStalledError: 503,
    errors.InferenceError: 500,
    errors.StoreError: 500,
    errors.CorruptVersionError: 500,
    errors.AliasConflictError: 409,
    errors.StoreUnavailableError: 503,
    errors.PublishError: 500,
    errors.DataError: 500,
    errors.TrainingError: 500,
    errors.JobError: 500,
    errors.FileUnreadableError: 500,
    errors.AnswerUnwritableError: 500,
}


class Problem(BaseModel):
    """What went wrong: `application/problem+json`, RFC 9457."""

    type: str = Field(description="Names the kind of problem: `urn:segserve:error:` and the code.")
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What happened this time and what to do about it.")
    code: str = Field(description="The kind of problem for programs; stable.")
    request_id: str = Field(description="Same as the `X-Request-ID` header; it stands in the service's log.")
    parameter: str | None = Field(None, description="Which parameter or form field is wrong; with status 422 only.")


def status_of(error: type[errors.SegserveError]) -> int:
    """Status of an error class: its own row, else that of its nearest base."""
    return next(STATUS[base] for base in error.__mro__ if base in STATUS)


def problem_of(error: errors.SegserveError) -> Problem:
    """An error as the body that tells of it."""
    return Problem(
        type=problem_type(error.code),
        title=error.title,
        status=status_of(type(error)),
        detail=error.detail,
        code=error.code,
        request_id=request_id.get(),
        parameter=error.parameter if isinstance(error, errors.InvalidParameterError) else None,
    )


class ProblemResponse(Response):
    """A problem as an answer; a 503 says when to come again. Log and metrics learn its code.

    Args:
        problem: what is wrong.
        headers: beside those that all problems have.
    """

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        all_headers = {"Cache-Control": "no-store", **(headers or {})}
        if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
            all_headers.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
        super().__init__(problem.model_dump_json(exclude_none=True), problem.status, all_headers, PROBLEM_TYPE)
        self._code = problem.code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it."""
        record: AccessRecord = scope["state"]["record"]
        record.problems.append(self._code)
        await super().__call__(scope, receive, send)


def error_response(error: errors.SegserveError) -> Response:
    """The answer that tells of an error; one that is the service's own is logged."""
    problem = problem_of(error)
    if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("%s", error.detail, exc_info=error)
    return ProblemResponse(problem, _headers_of(error))


def problem_type(code: str) -> str:
    """The URI that names a kind of problem."""
    return f"urn:segserve:error:{code}"


def unhandled_response() -> Response:
    """The answer to an error that nobody foresaw; it gives nothing away, the log has it all."""
    return ProblemResponse(problem_of(errors.SegserveError(UNEXPECTED)))


def install_error_handlers(app: FastAPI) -> None:
    """Makes every error of the application answer with a `Problem`."""
    app.add_exception_handler(errors.SegserveError, _on_domain_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)


async def _on_domain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.SegserveError)
    return error_response(error)


def _headers_of(error: errors.SegserveError) -> dict[str, str]:
    if isinstance(error, errors.RequestTimeoutError):
        return {"Connection": "close"}
    if isinstance(error, errors.UnauthorizedError):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, errors.OverloadedError | errors.TooManyRequestsError):
        return {"Retry-After": str(error.retry_after)}
    return {}


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    details = {404: NOT_FOUND, 405: f"{request.method} is not for this path; the Allow header says what is"}
    detail = details.get(error.status_code, error.detail)
    code = re.sub(r"\W+", "_", phrase.lower())
    problem = Problem(
        type=problem_type(code),
        title=phrase,
        status=error.status_code,
        detail=detail,
        code=code,
        request_id=request_id.get(),
    )
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return ProblemResponse(problem, {"Allow": ", ".join(_methods_here(request))})
    return ProblemResponse(problem, error.headers)


def _methods_here(request: Request) -> list[str]:
    """Methods that the path of a request has, also where they are several routes: Starlette names one route's."""
    routes: list[BaseRoute] = request.app.routes
    scopes = {method: {**request.scope, "method": method} for method in METHODS}
    return [each for each, scope in scopes.items() if any(route.matches(scope)[0] is Match.FULL for route in routes)]


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    parameter = str(first["loc"][-1])[:80]  # a name of the client
    message = "there is no such parameter here" if first["type"] == "extra_forbidden" else first["msg"]
    return await _on_domain_error(request, errors.InvalidParameterError(parameter, str(message)))


async def _on_disconnect(request: Request, error: Exception) -> Response:
    return Response(status_code=CLIENT_CLOSED_REQUEST)
