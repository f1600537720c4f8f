"""A served model, the one that comes with the project, and a key for it; nothing of `app` is imported here.

The server runs in the project's own environment, `.venv`, or where `SERVER_PYTHON` says; clients run in this one.
"""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx
import numpy as np

ROOT = Path(__file__).parents[2]
PYTHON = os.environ.get("SERVER_PYTHON", str(ROOT / ".venv/bin/python"))
SECONDS = 120.0
"""Longest wait for the server."""
Mask = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
"""(H, W) class ids."""


@dataclass(frozen=True)
class Served:
    """A server that is ready.

    Args:
        host: its address and port, `127.0.0.1:8000`.
        key: a key for `segment` and `admin`; empty where the server asks for none.
    """

    host: str
    key: str = ""

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{self.host}"

    @property
    def headers(self) -> dict[str, str]:
        """What a request brings that is let in."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}


def command(*arguments: str, log: int | IO[str], **settings: str) -> "subprocess.Popen[str]":
    """`segserve` with these arguments, and these settings alone; its standard error goes into `log`."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("SEGSERVE_") and name != "PORT"}
    return subprocess.Popen(
        [PYTHON, "-m", "app.cli", *arguments],
        cwd=ROOT,
        env={**bare, "PYTHONPATH": str(ROOT), **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )


def new_key() -> tuple[str, str]:
    """A key, and what is written down of it."""
    making = command("keys", "new", "compat", "--scope", "segment", "--scope", "admin", log=subprocess.PIPE)
    key, entry = making.communicate(timeout=SECONDS)
    return key.strip(), entry


@contextmanager
def serving(log: Path, key: str = "", **settings: str) -> Iterator[Served]:
    """A server with these settings, until the block ends.

    Args:
        log: where its log goes.
        key: that it asks for, if the settings say so.
        settings: environment variables.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    listening = ("--host", "127.0.0.1", "--port", str(port))
    with (
        log.open("w") as file,
        command("serve", *listening, log=file, SEGSERVE_DRAIN_SECONDS="0", **settings) as process,
    ):
        try:
            served = Served(f"127.0.0.1:{port}", key)
            _wait(served, process, log)
            yield served
        finally:
            process.terminate()


def _wait(served: Served, process: "subprocess.Popen[str]", log: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(httpx.TransportError):
            if httpx.get(f"{served.url}/health/ready").status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"the server is not ready:\n{log.read_text()}")
