"""Error answers in OpenAPI: which codes a route can give, each with an example."""

from http import HTTPStatus
from typing import Any

from app.api.errors import PROBLEM_TYPE, Problem, problem_type, status_of
from app.core import errors
from app.core.errors import InvalidParameterError, SegserveError

UNUSABLE_MODEL = (
    errors.ModelNotFoundError,
    errors.ModelNotLoadedError,
    errors.ModelNotReadyError,
    errors.ModelUnusableError,
    errors.PoolFullError,
    errors.CorruptVersionError,
    errors.StoreUnavailableError,
)
"""What can be wrong with the model that a request names."""

SAYING_WHEN = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
"""Statuses of errors that pass: their answers say when to come again."""
EXAMPLE_REQUEST_ID = "7f1c9a52e0b84c6d9d5a3e8b21f40c77"


def problem_answers(*kinds: type[SegserveError]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that can fail in these ways; a 500 is always among them.

    Args:
        kinds: error classes that the route, or what it calls, raises.
    """
    by_status: dict[int, list[type[SegserveError]]] = {}
    for kind in (*kinds, SegserveError):
        by_status.setdefault(status_of(kind), []).append(kind)
    return {status: _answer(status, members) for status, members in sorted(by_status.items())}


def _answer(status: int, kinds: list[type[SegserveError]]) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "model": Problem,
        "description": "; ".join(f"`{kind.code}`: {kind.title}" for kind in kinds),
        "content": {PROBLEM_TYPE: {"examples": {kind.code: {"value": _example(kind)} for kind in kinds}}},
    }
    if status in SAYING_WHEN:
        answer["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return answer


def _example(kind: type[SegserveError]) -> dict[str, object]:
    example: dict[str, object] = {
        "type": problem_type(kind.code),
        "title": kind.title,
        "status": status_of(kind),
        "detail": (kind.__doc__ or "").partition("\n")[0],
        "code": kind.code,
        "request_id": EXAMPLE_REQUEST_ID,
    }
    if issubclass(kind, InvalidParameterError):
        example["parameter"] = "threshold"
    return example
