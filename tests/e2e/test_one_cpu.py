"""A service that may use one CPU computes with one thread, however many the machine has."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import which

import httpx
import pytest
from PIL import Image

from tests.e2e.process import ServerProcess

SHOW_QUOTA = "mount -t tmpfs none /sys/fs/cgroup && echo 100000 100000 >/sys/fs/cgroup/cpu.max"
"""What a container with `--cpus 1` sees. The kernel holds nobody to it: that takes a controller, which few may set."""


def affinity() -> str:
    """Shell commands before the start: the kernel lets it run on one CPU."""
    if which("taskset") is None:
        pytest.skip("there is no taskset on this machine (Debian: apt-get install util-linux)")
    return f"taskset -p -c {min(os.sched_getaffinity(0))} $$ >/dev/null"


def quota() -> str:
    """Shell commands before the start, in its own view of the file system: a quota of one CPU (cgroup v2)."""
    unshare = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    if which("unshare") is None or subprocess.run([*unshare, SHOW_QUOTA], check=False, capture_output=True).returncode:
        pytest.skip("nobody may mount anything here, not even in a namespace of their own: no quota can be shown")
    return f"""exec {" ".join(unshare)} '{SHOW_QUOTA}; exec "$0" "$@"' "$0" "$@\""""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="affinity and cgroups are Linux's")
@pytest.mark.parametrize("limit", [affinity, quota])
def test_one_thread_and_one_stream(limit: Callable[[], str], tiny_store_path: Path, photograph: bytes) -> None:
    environment = {"SEGSERVE_DRAIN_SECONDS": "0"}
    with ServerProcess("--model-store", str(tiny_store_path), environment=environment, limits=limit()) as server:
        server.wait_for("ready")
        engine = httpx.get(f"{server.url}/model").json()["engine"]
        assert (engine["threads"], engine["streams"]) == (1, 1)
        answer = httpx.post(f"{server.url}/segment", content=photograph)
        assert answer.status_code == 200
        assert Image.open(io.BytesIO(answer.content)).size == (451, 300)
        server.terminate()
        assert server.exit_code() == 0
