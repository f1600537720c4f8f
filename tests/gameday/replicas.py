"""Replicas of the service that can be started again where they were."""

from pathlib import Path
from typing import Any

from tests.e2e.process import ServerProcess
from tests.fixtures.waiting import block_until


def replica(
    store: Path, port: int = 0, limits: str = ":", program: tuple[str, ...] = ("app.cli",), **settings: Any
) -> ServerProcess:
    """A replica that is not ready yet.

    Args:
        store: its models.
        port: of one before it, whose place it takes; 0: a free one.
        limits: shell commands before the start.
        program: module to run and its first arguments.
        settings: by name.
    """
    environment = {f"SEGSERVE_{name}".upper(): str(value) for name, value in settings.items()}
    environment |= {"SEGSERVE_MODEL_STORE": str(store)}
    return ServerProcess(environment=environment, limits=limits, port=port, program=program)


def log_of(server: ServerProcess, level: str) -> list[str]:
    """Lines of a level."""
    return [line for line in server.lines if f'"level": "{level}"' in line]


def end(server: ServerProcess) -> None:
    """Ends it as an orchestrator does; it must go by itself."""
    server.terminate()
    block_until(lambda: server.process.poll() is not None)
    assert server.process.returncode == 0
