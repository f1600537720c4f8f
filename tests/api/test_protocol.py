import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from app.api.errors import PROBLEM_TYPE
from app.api.protocol import StrictProtocol
from tests.fixtures.waiting import until

pytestmark = pytest.mark.anyio
PATIENCE = 30.0
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers once it has read everything."""
    while (await receive()).get("more_body"):
        pass
    await PlainTextResponse("fine")(scope, receive, send)


@pytest.fixture
async def streams(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Streams]:
    """A connection to a server that gives little time for a head."""
    monkeypatch.setattr("app.api.protocol.HEAD_SECONDS", 0.1)
    config = uvicorn.Config(application, http=StrictProtocol, lifespan="off", log_config=None)
    state = uvicorn.server.ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: StrictProtocol(config, state, {}), "127.0.0.1", 0)
    async with server, asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        yield reader, writer
        writer.close()


async def answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    return head + await reader.readexactly(4)


async def test_a_client_that_never_begins_is_not_waited_for(streams: Streams) -> None:
    assert await streams[0].read() == b""


async def test_a_head_that_comes_in_drops_has_no_more_time(streams: Streams) -> None:
    reader, writer = streams
    end = asyncio.create_task(reader.read())
    for byte in GET[:-1] * 10:
        if end.done():
            break
        writer.write(bytes([byte]))
        await asyncio.wait({end}, timeout=0.02)
    assert end.result() == b""


async def test_a_body_may_take_longer(streams: Streams) -> None:
    reader, writer = streams
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n1")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(reading := asyncio.create_task(answer(reader))), 0.3)
    writer.write(b"2")
    assert (await reading).endswith(b"fine")


async def test_between_two_requests_there_may_be_more_time(streams: Streams) -> None:
    reader, writer = streams
    for _ in range(2):
        writer.write(GET)
        assert (await answer(reader)).endswith(b"fine")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.3)
    writer.write(GET[:5])  # but a head that has begun is to end
    assert await reader.read() == b""


async def test_what_is_no_http_gets_the_body_that_all_errors_have(streams: Streams) -> None:
    reader, writer = streams
    writer.write(b"\xff\r\n\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert f"content-type: {PROBLEM_TYPE}".encode() in head.lower()
    assert b"connection: close" in head.lower()
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (400, "malformed_request")
    assert f"x-request-id: {problem['request_id']}".encode() in head.lower()


async def test_newcomers_beyond_the_most_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.api.protocol.most_connections", lambda: 2)
    config = uvicorn.Config(application, http=StrictProtocol, lifespan="off", log_config=None)
    state = uvicorn.server.ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: StrictProtocol(config, state, {}), "127.0.0.1", 0)
    async with server, asyncio.timeout(PATIENCE):
        address = server.sockets[0].getsockname()
        inside = [await asyncio.open_connection(*address) for _ in range(2)]
        await until(lambda: len(state.connections) == 2)
        reader, newcomer = await asyncio.open_connection(*address)
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        newcomer.close()
        for reader, writer in inside:  # those who were there are answered
            writer.write(GET)
            assert (await answer(reader)).endswith(b"fine")
            writer.close()
        await until(lambda: not state.connections)
        reader, writer = await asyncio.open_connection(*address)
        writer.write(GET)
        assert (await answer(reader)).endswith(b"fine")
        writer.close()
