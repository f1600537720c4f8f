"""The service as a process of its own."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
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
    def resources(self) -> dict[str, float]:
        """Its resident memory, open files and threads (Linux)."""
        process = Path(f"/proc/{self.process.pid}")
        resident = int((process / "statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
        counted = {name: float(len(list((process / name).iterdir()))) for name in ("fd", "task")}
        return {"memory, MB": resident / 1e6, "open files": counted["fd"], "threads": counted["task"]}


def thread_seconds(pid: int) -> dict[int, float]:
    """Processor time of each thread of a process (Linux)."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return {int(each.name): int((each / "schedstat").read_text("ascii").split()[0]) / 1e9 for each in threads}


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextlib.contextmanager
def started(model_store: Path, model: str, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Starts the service with settings by name of their variable, ends it."""
    port = free_port()
    command = [sys.executable, "-m", "app.cli", "serve", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--model-store", str(model_store), "--model", model, "--log-format", "json"]
    environment = {**os.environ, "SEGSERVE_LOG_LEVEL": "error", "SEGSERVE_DRAIN_SECONDS": "0", **(settings or {})}
    with (
        subprocess.Popen(command, env=environment) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        try:
            yield Server(client, process)
        finally:
            process.terminate()


@contextlib.contextmanager
def serving(model_store: Path, model: str, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """As `started`, once it is ready."""
    with started(model_store, model, settings) as server:
        _wait(server.client, server.process)
        yield server


def _wait(client: httpx.Client, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if client.get("/health/ready").status_code == httpx.codes.OK:
                return
        time.sleep(0.1)
    raise RuntimeError("the service did not become ready")
