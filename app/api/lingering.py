"""Early answers: a client that is still sending gets to read them before the connection closes.

Closing a socket with unread input resets the connection, and the client loses the answer that says why
(RFC 9112, section 9.6). So the answer goes out whole, input is then thrown away for a while, and only then it ends.
"""

import asyncio
import contextlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LINGER_SECONDS = 2.0


class LingeringMiddleware:
    """Bounds what is read after an answer, on every path.

    A request answered before its body was read keeps its connection only if the rest is known to be short;
    otherwise the answer says `Connection: close`.

    Args:
        app: the application.
        max_bytes: the longest declared body that is worth reading to its end.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http" or not _has_body(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        complete = False
        closing = False

        async def watched_receive() -> Message:
            nonlocal complete
            message = await receive()
            complete = message["type"] == "http.disconnect" or not message.get("more_body", False)
            return message

        async def lingering_send(message: Message) -> None:
            nonlocal closing
            if message["type"] == "http.response.start" and not complete:
                headers = MutableHeaders(raw=message["headers"])
                if not self._is_short(Headers(scope=scope)):
                    headers["connection"] = "close"
                closing = headers.get("connection") == "close"
            if message["type"] == "http.response.body" and closing and not message.get("more_body", False):
                await send({**message, "more_body": True})
                await _discard(receive)
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        await self._app(scope, watched_receive, lingering_send)

    def _is_short(self, headers: Headers) -> bool:
        declared = headers.get("content-length", "")
        return declared.isdecimal() and int(declared[:20]) <= self._max_bytes


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


async def _discard(receive: Receive) -> None:
    """Throws input away until it ends, but not for long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while (await receive()).get("more_body", False):
                pass
