"""The server process: uvicorn, with a drain that gateways can follow and ends that orchestrators understand."""

import logging
import math
import os
import signal
import socket
import sys
import threading
import time
from types import FrameType
from typing import NoReturn

import uvicorn
from fastapi import FastAPI

from app.api.connections import accepted_at_a_time
from app.api.protocol import StrictProtocol
from app.api.state import State
from app.core import garbage
from app.core.allocator import return_large_blocks
from app.core.errors import ConfigurationError
from app.core.settings import Settings

logger = logging.getLogger(__name__)

LOAD_FAILED = 3
"""Exit code when the model could not be loaded behind the open listener."""
BACKLOG = 2048
KEEP_ALIVE_SECONDS = 75
"""Longer than a gateway keeps idle connections to us (nginx: 60 s), so that it never sends into one we just closed."""
MAX_HEADER_BYTES = 65_536


class DrainingServer(uvicorn.Server):
    """Goes down in steps: not ready at once, still listening for `drain_seconds`, then work in flight ends.

    SIGTERM drains; SIGINT (Ctrl-C) skips the waiting; a second signal ends everything at once.

    Args:
        app: the application.
        settings: of the service.
    """

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        super().__init__(server_config(app, settings))
        self.exit_code = 0
        self._settings = settings
        self._listens_until: float | None = None
        self._settled = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called for a signal, between two bytecodes of whatever runs: only notes what to do."""
        if self._listens_until is not None:
            self.should_exit = self.force_exit = True
            return
        wait = 0.0 if sig == signal.SIGINT else self._settings.drain_seconds
        self._listens_until = time.monotonic() + wait

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Called once; asyncio has made the sockets' queues as short as what it takes in a row."""
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(BACKLOG)

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second; True ends the listening."""
        ends = await super().on_tick(counter)
        state = self._state
        if state.phase == "failed":
            self.exit_code = LOAD_FAILED
            return True
        if state.phase == "ready" and not self._settled:
            self._settled = True
            garbage.spare()
        if self._listens_until is None:
            return ends
        if not state.draining:
            state.drain()
        return ends or time.monotonic() >= self._listens_until

    @property
    def _state(self) -> State:
        state = self.lifespan.state["service"]
        assert isinstance(state, State)
        return state


def server_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """Configuration of uvicorn; logging and access log are ours."""
    return uvicorn.Config(
        app,
        http=StrictProtocol,
        loop="asyncio",
        ws="none",
        lifespan="on",
        log_config=None,
        log_level=logging.getLogger("uvicorn").level,
        access_log=False,
        server_header=False,
        backlog=accepted_at_a_time(),  # for asyncio also how many connections it takes in a row
        forwarded_allow_ips=settings.forwarded_allow_ips,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=math.ceil(settings.shutdown_seconds),
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
    )


def listening_socket(settings: Settings) -> socket.socket:
    """A socket that listens where the settings say.

    Raises:
        ConfigurationError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}") from error
    # Connections inherit it. asyncio sets it for sockets of protocol TCP, but these say protocol 0; without it an
    # answer of two packets waits 40 ms for the client's delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def serve(app: FastAPI, settings: Settings) -> NoReturn:
    """Runs the service until a signal ends it, then ends the process.

    Exit codes: 0 after a signal, 3 when the model could not be loaded.

    Raises:
        ConfigurationError: the address cannot be had.
    """
    return_large_blocks()
    server = DrainingServer(app, settings)
    listener = listening_socket(settings)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    logger.info("listening on http://%s:%s%s, loading %s", host, settings.port, settings.root_path, settings.model)
    server.run(sockets=[listener])
    _leave(server.exit_code)


def _leave(code: int) -> NoReturn:
    """Ends the process, also where a thread is stuck in an engine: `sys.exit` would wait for it for ever."""
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    logger.info("ended", extra={"fields": {"exit_code": code}})
    logging.shutdown()
    if any(not thread.daemon for thread in others):
        os._exit(code)
    sys.exit(code)
