"""Memory of a process whose versions come and go."""

import importlib.util
import shutil
import sys
from pathlib import Path
from statistics import median

import httpx
import pytest

from tests.e2e.process import ServerProcess
from tests.fixtures.api_keys import WITH_KEY, written

SHIPPED = Path(__file__).parents[2] / "model_store"
WARM_UP = 3
"""Rounds until allocators and pools of threads have what they keep."""
ROUNDS = 7
PICTURES = 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="OpenVINO is not installed")
def test_a_version_that_is_unloaded_gives_its_memory_back(tmp_path: Path, photograph: bytes) -> None:
    """With networks of real size; they take some 40 MB each, 8 of them for the weights."""
    store = shutil.copytree(SHIPPED, tmp_path / "store")
    environment = {"SEGSERVE_API_KEYS": written("segment", "admin"), "SEGSERVE_DRAIN_SECONDS": "0"}
    arguments = ["--model-store", str(store), "--model", "pets:3", "--engine", "openvino"]
    with (
        ServerProcess(*arguments, environment=environment) as server,
        httpx.Client(base_url=server.url, headers=WITH_KEY, timeout=60) as admin,
    ):
        server.wait_for("ready")
        assert admin.post("/segment", content=photograph).status_code == 200
        before = server.resident_mb()
        loaded, unloaded = [], []
        for _ in range(WARM_UP + ROUNDS):
            assert admin.post("/models/pets/2/load").status_code == 200
            for _ in range(PICTURES):
                answer = admin.post("/segment?model=pets:2", content=photograph)
                assert answer.headers["segserve-model"].startswith("pets/2;")
            loaded.append(server.resident_mb())
            assert admin.post("/models/pets/2/unload").status_code == 204
            server.wait_for("pets/2 is unloaded")
            unloaded.append(server.resident_mb())
        version = loaded[0] - before
        growth = median(unloaded[-3:]) - median(unloaded[WARM_UP : WARM_UP + 3])
        told = f"MB, before: {before:.0f}, loaded: {loaded}, unloaded: {unloaded}"
        assert version > 20, told  # else there is nothing to see
        assert growth < version / 2, told  # four versions later
        server.terminate()
        assert server.exit_code() == 0
