"""The service as a process of its own."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

START_SECONDS = 120


@dataclass(frozen=True)
class Server:
    """A running service.

    Args:
        client: talks to it.
        process: the service.
    """

    client: httpx.Client
    process: "subprocess.Popen[bytes]"

    @property
    def resident_bytes(self) -> int:
        """Its resident memory (Linux)."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def serving(model_store: Path, model: str) -> Iterator[Server]:
    """Starts the service, waits until it is ready, ends it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "app.cli", "serve", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--model-store", str(model_store), "--model", model, "--log-format", "json"]
    environment = {**os.environ, "SEGSERVE_LOG_LEVEL": "warning", "SEGSERVE_DRAIN_SECONDS": "0"}
    with (
        subprocess.Popen(command, env=environment) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        try:
            _wait(client, process)
            yield Server(client, process)
        finally:
            process.terminate()


def _wait(client: httpx.Client, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if client.get("/health/ready").status_code == httpx.codes.OK:
                return
        time.sleep(0.1)
    raise RuntimeError("the service did not become ready")
