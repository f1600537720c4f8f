import asyncio
from collections.abc import Iterable

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from app.api.lingering import LingeringMiddleware

pytestmark = pytest.mark.anyio


async def early(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers without reading."""
    await PlainTextResponse("no")(scope, receive, send)


async def late(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers after reading."""
    while (await receive()).get("more_body"):
        pass
    await early(scope, receive, send)


async def exchange(
    app: LingeringMiddleware, headers: dict[str, str], incoming: Iterable[Message]
) -> tuple[list[Message], list[str]]:
    """What was sent, and the order of receiving and sending."""
    sent: list[Message] = []
    order: list[str] = []
    left = iter(incoming)

    async def receive() -> Message:
        order.append("receive")
        message = next(left, None)
        if message is None:
            await asyncio.Event().wait()  # a client that says no more
            raise AssertionError
        return message

    async def send(message: Message) -> None:
        order.append("send")
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await app({"type": "http", "method": "POST", "headers": raw}, receive, send)
    return sent, order


def chunk(more: bool) -> Message:
    return {"type": "http.request", "body": b"x", "more_body": more}


def connection(start: Message) -> str | None:
    found = [value.decode() for name, value in start["headers"] if name.lower() == b"connection"]
    return found[0] if found else None


LONG = {"content-length": "1000"}
CHUNKED = {"transfer-encoding": "chunked"}


@pytest.mark.parametrize("headers", [LONG, CHUNKED], ids=["long", "chunked"])
async def test_an_early_answer_goes_out_whole_then_input_is_discarded_then_it_ends(headers: dict[str, str]) -> None:
    app = LingeringMiddleware(early, max_bytes=100)
    sent, order = await exchange(app, headers, [chunk(True), chunk(True), chunk(False)])
    assert connection(sent[0]) == "close"
    assert [(message.get("body"), message.get("more_body")) for message in sent[1:]] == [(b"no", True), (b"", False)]
    assert order == ["send", "send", "receive", "receive", "receive", "send"]


async def test_a_client_that_hangs_up_is_not_waited_for() -> None:
    app = LingeringMiddleware(early, max_bytes=100)
    _, order = await exchange(app, LONG, [{"type": "http.disconnect"}])
    assert order == ["send", "send", "receive", "send"]


async def test_a_client_that_stops_sending_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.api.lingering.LINGER_SECONDS", 0.01)
    app = LingeringMiddleware(early, max_bytes=100)
    sent, order = await exchange(app, LONG, [chunk(True)])
    assert order == ["send", "send", "receive", "receive", "send"]
    assert sent[-1]["more_body"] is False


@pytest.mark.parametrize(
    ("app", "headers", "incoming"),
    [
        (late, LONG, [chunk(True), chunk(False)]),
        (late, CHUNKED, [chunk(False)]),
        (early, {"content-length": "100"}, []),
        (early, {}, []),
        (early, {"content-length": "0"}, []),
    ],
    ids=["read to its end", "chunked, read", "rest is short", "no body", "empty body"],
)
async def test_other_answers_keep_their_connection(app: type, headers: dict[str, str], incoming: list[Message]) -> None:
    sent, order = await exchange(LingeringMiddleware(app, max_bytes=100), headers, incoming)
    assert connection(sent[0]) is None
    assert order == ["receive"] * len(incoming) + ["send"] * 2
    assert sent[1]["body"] == b"no"
    assert not sent[1].get("more_body")
