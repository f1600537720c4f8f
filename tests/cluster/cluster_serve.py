"""The example deployment on a real Ray, with more requests than one replica takes."""

import asyncio
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cluster.conftest import ROOT, SECONDS

URL = "http://127.0.0.1:8700"


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Ray Serve with the example, ready."""
    import ray
    from ray import serve

    monkeypatch.syspath_prepend(ROOT / "deploy" / "ray-serve")
    environment = {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'deploy' / 'ray-serve'}",
        "SEGSERVE_MODEL_STORE": str(ROOT / "model_store"),
    }
    options = {"num_cpus": 2, "object_store_memory": 100_000_000, "include_dashboard": False}
    ray.init(address="local", runtime_env={"env_vars": environment}, **options)
    try:
        service = importlib.import_module("service")

        serve.start(http_options={"host": "127.0.0.1", "port": int(URL.rpartition(":")[2])})
        serve.run(service.app, name="segserve")
        yield serve
    finally:
        serve.shutdown()
        ray.shutdown()
        sys.modules.pop("service", None)


def replicas(serve: Any) -> int:
    """Those that answer."""
    (deployment,) = serve.status().applications["segserve"].deployments.values()
    return int(deployment.replica_states.get("RUNNING", 0))


async def ready(client: httpx.AsyncClient) -> None:
    """Waits until the model is loaded."""
    async with asyncio.timeout(SECONDS):
        while (await client.get("/health/ready")).status_code != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def load(client: httpx.AsyncClient, serve: Any, content: bytes, mask: bytes) -> int:
    """Many requests at a time until there are two replicas; returns how many had the right answer."""
    answered = 0
    async with asyncio.timeout(SECONDS):
        while replicas(serve) < 2:
            found = await asyncio.gather(*(client.post("/segment", content=content) for _ in range(12)))
            assert {answer.content for answer in found if answer.status_code == 200} <= {mask}
            answered += sum(answer.status_code == 200 for answer in found)
    return answered


def test_it_answers_as_ever_and_grows_with_its_load(serve: Any, pictures: Path, plain: dict[str, bytes]) -> None:
    async def run() -> None:
        async with httpx.AsyncClient(base_url=URL, timeout=SECONDS) as client:
            await ready(client)
            assert replicas(serve) == 1
            content, mask = (pictures / "0" / "0000.jpg").read_bytes(), plain["0/0000.jpg.mask.png"]
            answer = await client.post("/segment", content=content)
            assert answer.content == mask
            assert answer.headers["segserve-model"].startswith("pets/3; ")
            assert (await client.post("/segment", content=b"no picture")).json()["code"] == "invalid_image"
            assert await load(client, serve, content, mask) > 0

    asyncio.run(run())
