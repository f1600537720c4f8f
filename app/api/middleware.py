"""Around every request: its id and trace, protective headers, access log, metrics, the net for unforeseen errors."""

import asyncio
import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.access import AccessRecord
from app.api.errors import CLIENT_CLOSED_REQUEST, error_response, unhandled_response
from app.api.state import State
from app.api.tracing import Trace
from app.core.errors import ModelNotReadyError
from app.core.telemetry import request_id, trace_ids

logger = logging.getLogger(__name__)

REQUEST_ID = "X-Request-ID"
REQUEST_ID_PATTERN = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
PROTECTION = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Headers of every answer that does not bring its own."""


class RequestMiddleware:
    """Pure ASGI, so that streaming, disconnects and context variables stay as they are.

    Args:
        app: the application.
        state: of the service.
    """

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        record = AccessRecord(accepted_request_id(Headers(scope=scope)), str(scope["method"]))
        trace = self._state.tracing.begin(scope, record)
        scope.setdefault("state", {}).update(record=record, trace=trace)
        head = record.method == "HEAD"
        if head:  # GET without its body, on every path
            scope = {**scope, "method": "GET"}
        if self._state.settings.root_path:  # paths come with it or, where a gateway strips it, without
            scope["root_path"] = self._state.settings.root_path
        token, trace_token = request_id.set(record.request_id), trace_ids.set(trace.ids)

        async def watched_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                self._complete_headers(MutableHeaders(scope=message), record, trace)
            elif message["type"] == "http.response.body":
                message = {**message, "body": b""} if head else message
                record.bytes_sent += len(message.get("body", b""))
                record.seconds = time.perf_counter() - started
            await send(message)

        try:
            with self._state.metrics.in_flight.track_inprogress():
                await self._app(scope, receive, watched_send)
        except BaseException as error:
            trace.fail(error)
            raise
        finally:
            record.status = record.status or CLIENT_CLOSED_REQUEST
            record.route = route_template(scope)
            record.log()
            model = "" if record.model is None else str(record.model)
            self._state.metrics.answered(record.route, record.method, record.status, model, record.seconds)
            self._state.metrics.problems(record.problems)
            if record.key is not None:
                self._state.metrics.keyed(record.key, record.status)
            trace.end(record)
            request_id.reset(token)
            trace_ids.reset(trace_token)

    def _complete_headers(self, headers: MutableHeaders, record: AccessRecord, trace: Trace) -> None:
        headers[REQUEST_ID] = record.request_id
        headers.update(trace.headers)
        for name, value in PROTECTION.items():
            headers.setdefault(name, value)
        if self._state.draining:
            headers["Connection"] = "close"


class UnforeseenErrorMiddleware:
    """The net for errors that nobody foresaw, and for requests that are cut off.

    It stands inside of what adds headers to answers, so that its own has them, too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:  # by the server, which goes down and waits no longer: there is time to say so
            if scope["type"] != "http" or scope["state"]["record"].status:
                raise
            await error_response(ModelNotReadyError("the service is going down; send it again"))(scope, receive, send)
        except Exception:
            if scope["type"] != "http":
                raise
            logger.exception("unforeseen error")
            if scope["state"]["record"].status:
                raise  # half an answer is out: the server has to cut the connection
            await unhandled_response()(scope, receive, send)


def accepted_request_id(headers: Headers) -> str:
    """The client's request id if it is harmless, else a new one."""
    given = headers.get(REQUEST_ID, "")
    return given if REQUEST_ID_PATTERN.fullmatch(given) else uuid.uuid4().hex


def route_template(scope: Scope) -> str | None:
    """The path of the route that matched, with placeholders; None if none did."""
    route = scope.get("route")
    return getattr(route, "path", None) if isinstance(route, BaseRoute) else None
