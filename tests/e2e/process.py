"""A real server: `segserve serve` as a process of its own, spoken to over a socket."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.fixtures.gateway import free_port

SECONDS = 60.0
"""Longest wait for anything."""
COVERAGE = "COVERAGE_PROCESS_CONFIG"
"""With this variable a process measures its coverage, as the tests do."""


class ServerProcess:
    """Starts a server on a free port, reads its log, and ends it.

    Args:
        arguments: more of them for `segserve serve`.
        environment: settings, over an environment without any.
        limits: shell commands before the start, such as `ulimit -f 0`.
        port: 0: a free one.
        program: module to run and its first arguments.
        measured: whether its coverage counts, which makes it slower; what most servers run is measured elsewhere.
    """

    def __init__(
        self,
        *arguments: str,
        environment: dict[str, str] | None = None,
        limits: str = ":",
        port: int = 0,
        program: Sequence[str] = ("app.cli",),
        measured: bool = False,
    ) -> None:
        self.port = port or free_port()
        left_out = {"PORT"} if measured else {"PORT", COVERAGE}
        bare = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("SEGSERVE_") and name not in left_out
        }
        command = [
            sys.executable,
            "-m",
            *program,
            "serve",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
            *arguments,
        ]
        self.process = subprocess.Popen(
            ["sh", "-c", f'{limits}; exec "$0" "$@"', *command],
            env={**bare, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.url = f"http://127.0.0.1:{self.port}"
        self.lines: list[str] = []
        self._arriving: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.exit_code()

    def wait_for(self, message: str, **fields: object) -> dict[str, Any]:
        """The log entry with that beginning of its message and those fields, as soon as it is there."""
        deadline = time.monotonic() + SECONDS
        while (line := self._arriving.get(timeout=SECONDS)) is not None:
            assert time.monotonic() < deadline, f"it did not say {message!r}, but much else"
            entry: dict[str, Any] = json.loads(line) if line.startswith("{") else {"message": line}
            if entry["message"].startswith(message) and entry.items() >= fields.items():
                return entry
        raise AssertionError(f"it ended without {message!r}:\n" + "\n".join(self.lines))

    def resident_mb(self) -> float:
        """Memory that it has in RAM, in MB; Linux only."""
        return self._status("VmRSS") / 1024

    def address_space_mb(self) -> float:
        """Addresses that it has asked for, in MB; Linux only."""
        return self._status("VmSize") / 1024

    def _status(self, name: str) -> int:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))

    def terminate(self) -> None:
        """Sends SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def exit_code(self) -> int:
        """Waits for the end."""
        code = self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def connect(self) -> socket.socket:
        """A connection of its own."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)

    def listens(self) -> bool:
        """Whether it takes new connections."""
        try:
            self.connect().close()
        except (ConnectionRefusedError, ConnectionResetError):  # reset: it waited to be taken when that ended
            return False
        return True

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))
                self._arriving.put(self.lines[-1])
        self._arriving.put(None)


def exchange(connection: socket.socket, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Sends bytes and reads one answer: status, headers (lower case) and body."""
    connection.sendall(request)
    return read_answer(connection)


def read_answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Reads one answer with a Content-Length."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _received(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    status_line, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers["content-length"]):
        body += _received(connection)
    return int(status_line.split(" ")[1]), headers, body


def _received(connection: socket.socket) -> bytes:
    data = connection.recv(1 << 16)
    assert data, "the server closed the connection before its answer was complete"
    return data
