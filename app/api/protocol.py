"""What uvicorn's protocol leaves out: bounds on connections and on the time of heads, and errors with our body."""

import asyncio
import uuid
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from app.api.connections import most_connections
from app.api.errors import PROBLEM_TYPE, problem_of
from app.core.errors import MalformedRequestError
from app.core.telemetry import request_id

HEAD_SECONDS = 30.0
"""From a connection, or the first byte of a further request, to the last line of its head: else a handful of clients
that send a byte now and then could hold every connection that there can be."""


class StrictProtocol(H11Protocol):
    """HTTP/1.1 by h11 as uvicorn has it, stricter with clients that never finish, or never begin."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A client is there; cut off where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            transport.abort()
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        """A client has sent something."""
        super().data_received(data)
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """A client is gone."""
        super().connection_lost(exc)
        self._stop_watching()

    def send_400_response(self, msg: str) -> None:
        """Answers what is no HTTP, and ends the connection; the log has no more of it than uvicorn's line."""
        identifier = uuid.uuid4().hex
        token = request_id.set(identifier)
        problem = problem_of(MalformedRequestError("this is no HTTP request, or its head is too long"))
        request_id.reset(token)
        body = problem.model_dump_json(exclude_none=True).encode()
        headers = {
            "Content-Type": PROBLEM_TYPE,
            "Content-Length": str(len(body)),
            "X-Request-ID": identifier,
            "Connection": "close",
        }
        events: tuple[Any, ...] = (
            h11.Response(status_code=problem.status, headers=list(headers.items()), reason=b"Bad Request"),
            h11.Data(data=body),
            h11.EndOfMessage(),
        )
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _watch_head(self) -> None:
        """The timer runs while a head is awaited that has begun, or that is the first."""
        if self.conn.their_state is not h11.IDLE:
            self._stop_watching()
        elif self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self.timeout_keep_alive_handler)

    def _stop_watching(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
