import asyncio
import gc
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import Request

from app.api.protocol import StrictProtocol
from app.api.server import KEEP_ALIVE_SECONDS, LOAD_FAILED, DrainingServer, listening_socket, server_config
from app.api.state import State
from app.core.errors import ConfigurationError
from app.core.settings import Settings
from app.main import create_app

pytestmark = pytest.mark.anyio


class Listening:
    """A server in this process, on a free port."""

    def __init__(self, settings: Settings) -> None:
        self.app = create_app(settings)
        self.app.add_api_route("/seen", seen)
        self.server = DrainingServer(self.app, settings)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    @property
    def state(self) -> State:
        state = self.server.lifespan.state["service"]
        assert isinstance(state, State)
        return state


async def seen(request: Request) -> list[str]:
    """What the application is told about its client."""
    return [request.url.scheme, request.client.host if request.client else ""]


@asynccontextmanager
async def listening(settings: Settings) -> AsyncIterator[tuple[Listening, asyncio.Task[None], httpx.AsyncClient]]:
    gc.unfreeze()  # what a test has spared before
    running = Listening(settings)
    task = asyncio.create_task(running.server.serve(sockets=[running.socket]))
    try:
        async with asyncio.timeout(60), httpx.AsyncClient(base_url=running.url) as client:
            while (await client.get("/health/ready")).status_code != 200:
                assert running.state.phase != "failed"
            yield running, task, client
            await task
    finally:
        running.server.should_exit = running.server.force_exit = True
        await task
        await running.server.lifespan.shutdown()  # which an end by force leaves out
        gc.unfreeze()


async def test_sigterm_turns_ready_off_but_it_listens_on_until_a_second_signal(
    settings: Settings, picture: bytes
) -> None:
    async with listening(settings.model_copy(update={"drain_seconds": 600.0})) as (running, task, client):
        running.server.handle_exit(signal.SIGTERM, None)
        while (ready := await client.get("/health/ready")).status_code == 200:
            assert not task.done()
        assert ready.json()["detail"] == "the service is going down"
        answer = await client.post("/segment", content=picture)
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
        running.server.handle_exit(signal.SIGTERM, None)
        await task
        assert running.server.force_exit
        with pytest.raises(httpx.ConnectError):
            await client.get("/health/live")


async def test_the_drain_ends_by_itself(settings: Settings) -> None:
    async with listening(settings.model_copy(update={"drain_seconds": 0.05})) as (running, task, _):
        running.server.handle_exit(signal.SIGTERM, None)
        await task
        assert running.state.draining
        assert (running.server.exit_code, running.server.force_exit) == (0, False)


async def test_ctrl_c_does_not_wait(settings: Settings) -> None:
    async with listening(settings.model_copy(update={"drain_seconds": 600.0})) as (running, task, _):
        running.server.handle_exit(signal.SIGINT, None)
        await task
        assert running.server.exit_code == 0


async def test_the_collector_does_not_look_at_a_model_that_is_ready(settings: Settings) -> None:
    async with listening(settings) as (running, _, client):
        while not gc.get_freeze_count():
            await client.get("/health/live")
        (served,) = running.state.pool.models
        assert all(each is not served for each in gc.get_objects())
        running.server.handle_exit(signal.SIGINT, None)


async def test_a_model_that_cannot_load_ends_the_server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no weights")

    monkeypatch.setattr("app.inference.served.load_model", fail)
    running = Listening(settings)
    async with asyncio.timeout(30):
        await running.server.serve(sockets=[running.socket])
    assert running.server.exit_code == LOAD_FAILED == 3


@pytest.mark.parametrize(
    ("trusted", "expected"), [("127.0.0.1", ["https", "203.0.113.7"]), ("10.0.0.1", ["http", "127.0.0.1"])]
)
async def test_proxy_headers_count_if_they_come_from_a_trusted_proxy(
    settings: Settings, trusted: str, expected: list[str]
) -> None:
    async with listening(settings.model_copy(update={"forwarded_allow_ips": trusted})) as (running, _, client):
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
        assert (await client.get("/seen", headers=headers)).json() == expected
        running.server.handle_exit(signal.SIGINT, None)


def test_it_listens_where_the_settings_say(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    chosen = settings.model_copy(update={"host": "127.0.0.1", "port": port})
    with listening_socket(chosen) as listener:
        assert listener.getsockname() == ("127.0.0.1", port)
        # An answer of two packets must not wait for the client's delayed acknowledgement.
        with socket.create_connection(("127.0.0.1", port)), listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        with pytest.raises(ConfigurationError, match=rf"cannot listen on 127\.0\.0\.1:{port}"):
            listening_socket(chosen)
    with pytest.raises(ConfigurationError, match="cannot listen on no such host"):
        listening_socket(chosen.model_copy(update={"host": "no such host"}))


def test_gateways_keep_connections_for_less_time_than_we_do(settings: Settings) -> None:
    config = server_config(create_app(settings), settings.model_copy(update={"shutdown_seconds": 0.2}))
    assert config.timeout_keep_alive == KEEP_ALIVE_SECONDS > 60
    assert config.timeout_graceful_shutdown == 1
    assert not config.server_header
    assert not config.access_log


def test_what_happens_to_be_installed_changes_nothing(settings: Settings) -> None:
    config = server_config(create_app(settings), settings)
    assert (config.loop, config.http) == ("asyncio", StrictProtocol)
