"""The protocol's own error body, `{"error": …}`, in place of a problem: on every path under /v2, whoever refuses."""

import json
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.access import AccessRecord
from app.api.errors import PROBLEM_TYPE, ProblemResponse, problem_of
from app.api.oip.schemas import ErrorBody
from app.api.problems import problem_answers
from app.core.errors import SegserveError

PREFIX = "/v2"
JSON = "application/json"


class ErrorBodyMiddleware:
    """Translates problems on their way out; status and headers stay as they are.

    It stands around everything that refuses requests, and inside of what writes the log, so that no error has another
    body because of where it arose.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http" or not _of_the_protocol(scope):
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        problem = bytearray()

        async def translated(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_problem(message):
                start = message
                return
            if start is None:
                await send(message)
                return
            problem.extend(message.get("body", b""))
            if message.get("more_body", False):
                return
            body = ErrorBody(error=json.loads(problem)["detail"]).model_dump_json().encode()
            headers = MutableHeaders(raw=start["headers"])
            headers["Content-Type"] = JSON
            headers["Content-Length"] = str(len(body))
            await send(start)
            await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, translated)


def not_ready_response(error: SegserveError, record: AccessRecord, **fields: object) -> Response:
    """An answer to whether something is ready or alive: no, and why.

    Args:
        error: why; it has the status.
        record: of the request, which learns the error's code.
        fields: of the good answer.
    """
    problem = ProblemResponse(problem_of(error))
    record.problems.append(error.code)
    headers = {name: value for name, value in problem.headers.items() if name in ("retry-after", "cache-control")}
    return Response(json.dumps({**fields, "error": error.detail}), problem.status_code, headers, JSON)


def error_answers(*kinds: type[SegserveError]) -> dict[int | str, dict[str, Any]]:
    """`problem_answers` with this surface's body."""
    answers = problem_answers(*kinds)
    for answer in answers.values():
        examples = answer.pop("content")[PROBLEM_TYPE]["examples"]
        answer["model"] = ErrorBody
        answer["content"] = {
            JSON: {"examples": {code: {"value": {"error": each["value"]["detail"]}} for code, each in examples.items()}}
        }
    return answers


def _of_the_protocol(scope: Scope) -> bool:
    path = str(scope["path"]).removeprefix(scope.get("root_path", ""))
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def _is_problem(message: Message) -> bool:
    return Headers(raw=message["headers"]).get("content-type") == PROBLEM_TYPE
