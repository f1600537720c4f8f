"""The image, built for real, for `make container-test` alone: building takes minutes and needs root."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.gateway import free_port, wait_for

ROOT = Path(__file__).parents[2]
READY = '"message": "ready"'


@dataclass(frozen=True)
class Image:
    """A built image.

    Args:
        tool: builds and runs the Dockerfile of the folder that it is called in.
        folder: the build context.
    """

    tool: Path
    folder: Path

    def inspect(self) -> dict[str, Any]:
        """Its configuration."""
        config: dict[str, Any] = json.loads(self._call("inspect"))
        return config

    def run_inside(self, *command: str) -> str:
        """Runs a command in a container of its own, as root; what it prints.

        Raises:
            CalledProcessError: it failed.
        """
        return self._call("sh", *command)

    @contextmanager
    def running(self, user: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
        """Runs the service as `user`, on a read-only root, without capabilities; its port and process."""
        port = free_port()
        command: list[str | Path] = [self.tool, "run", "--user", user, "--read-only", "--no-caps", str(port)]
        with subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout is not None
            with wait_for(process.stdout, READY):
                try:
                    yield port, process
                finally:
                    process.terminate()
                    process.wait(timeout=60)

    def _call(self, *arguments: str) -> str:
        command: list[str | Path] = [self.tool, *arguments]
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Image:
    """The CPU image, with the published model or, where there is none yet, the tiny one of the tests."""
    named = os.environ.get("CONTAINER")
    if named is None:
        pytest.skip("the image is built by `make container-test` alone")
    tool = (ROOT / named).resolve()
    if not tool.is_file():
        pytest.skip(f"no tool to build an image with: {named} is not there")
    if os.geteuid() != 0:
        pytest.skip("building an image without a container engine needs root")
    folder = tmp_path_factory.mktemp("context")
    for name in ("app", "requirements"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Dockerfile", ".dockerignore"):
        shutil.copy(ROOT / name, folder)
    published = any((ROOT / "model_store").glob("*/aliases.json"))
    store = ROOT / "model_store" if published else request.getfixturevalue("tiny_store_path")
    shutil.copytree(store, folder / "model_store")
    subprocess.run([tool, "build"], cwd=folder, check=True)
    return Image(tool, folder)
