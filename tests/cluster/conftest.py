"""Pictures, the plain job that others are compared with, and clusters of several nodes on this machine."""

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
PICTURES = 320
NODE = {"num_cpus": 1, "object_store_memory": 100_000_000}
HEAD = {"num_cpus": 0, "object_store_memory": 100_000_000, "include_dashboard": False}
SECONDS = 240.0
"""Until a test that hangs fails: a cluster takes its time to begin."""
Segserve = Callable[..., "subprocess.Popen[str]"]
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


@pytest.fixture(scope="session")
def segserve() -> Iterator[Segserve]:
    """Begins the command; what has not ended with the tests is ended."""
    begun: list[subprocess.Popen[str]] = []

    def begin(*arguments: object) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "app.cli", *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        pipe = subprocess.PIPE
        begun.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True))
        return begun[-1]

    yield begin
    for process in begun:
        if process.poll() is None:
            process.kill()
            process.communicate()


def ended(process: "subprocess.Popen[str]", code: int = 1) -> str:
    """What it said; 1 is the code of a job with bad files."""
    stdout, stderr = process.communicate(timeout=SECONDS)
    assert process.returncode == code, stderr
    return stdout


def block_until(process: "subprocess.Popen[str]", condition: Callable[[], object]) -> None:
    """Waits for what a running job brings about."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


@dataclass
class Nodes:
    """A cluster of several nodes.

    Args:
        cluster: Ray's own.
        workers: nodes that jobs run on; the head runs none.
    """

    cluster: Any
    workers: list[Any] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Of the head."""
        return str(self.cluster.address)

    def add(self) -> None:
        """Another node of one CPU."""
        self.workers.append(self.cluster.add_node(**NODE))

    def worker_processes(self, node: Any) -> list[int]:
        """Processes of a node that hold the model."""
        raylet = node.all_processes["raylet"][0].process.pid
        children = Path(f"/proc/{raylet}/task/{raylet}/children").read_text().split()
        return [int(pid) for pid in children if b"MapWorker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    """A cluster of a head without CPUs and two nodes of one."""
    from ray.cluster_utils import Cluster

    found = Nodes(Cluster(initialize_head=True, head_node_args=HEAD))
    try:
        for _ in range(2):
            found.add()
        found.cluster.wait_for_nodes()
        yield found
    finally:
        found.cluster.shutdown()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So many drawn pictures in folders, and three files that are none."""
    root = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(4)
    for number in range(PICTURES):
        small = Image.fromarray(random.integers(0, 255, (6, 8, 3), np.uint8))
        file = io.BytesIO()
        small.resize((int(random.integers(200, 400)), 260)).save(file, "JPEG", quality=90)
        path = root / f"{number % 7}" / f"{number:04d}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(file.getvalue())
    (root / "3" / "broken.jpg").write_bytes(file.getvalue()[:500])
    (root / "empty.png").touch()
    (root / "notes.txt").write_text("no picture")
    return root


@pytest.fixture(scope="session")
def plain(segserve: Segserve, pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the plain job writes for them, with one thread of inference."""
    out = tmp_path_factory.mktemp("plain") / "out"
    ended(segserve("segment", pictures, "--out", out, "--output", "mask,json", "--threads", 1))
    found = answers(out)
    assert len(found) == 2 * PICTURES
    return found


def answers(out: Path) -> dict[str, bytes]:
    """Content of every file of a job by its path, without its bookkeeping."""
    kept = (path for path in out.rglob("*") if path.is_file() and path.parent != out and ".segserve" not in path.parts)
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in kept}


def masks(out: Path) -> int:
    """Number of masks that are there."""
    return len(list(out.glob("*/*.mask.png")))
