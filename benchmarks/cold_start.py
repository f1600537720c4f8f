"""From nothing to the first mask: the service, and a script that imports the same, compiles and infers once."""

import contextlib
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import click
import httpx

from app.store.repository import ModelStore
from app.training.machine import processor
from benchmarks.request import photograph
from benchmarks.server import started

SCRIPT = """
import sys
import fastapi, numpy, openvino, PIL.Image, prometheus_client, pydantic_settings, uvicorn
compiled = openvino.Core().compile_model(sys.argv[1], "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
compiled(numpy.zeros(tuple(int(side) for side in sys.argv[2:]), numpy.float32))
"""


@click.command()
@click.option("--rounds", default=7, show_default=True)
@click.option("--model-store", type=click.Path(path_type=Path, exists=True), default="model_store", show_default=True)
@click.option("--model", default="pets:production", show_default=True)
def main(rounds: int, model_store: Path, model: str) -> None:
    """Print the medians, and the median ratio of the rounds."""
    store = ModelStore(model_store)
    version = store.resolve(model)
    height, width = store.manifest(version).preprocessing.size
    script = [sys.executable, "-c", SCRIPT, str(version.path / "openvino/model.xml"), "1", str(height), str(width), "3"]
    body = photograph(500, 375, "JPEG")
    ours, theirs = [], []
    for number in range(rounds + 1):  # the first fills the page cache
        begun = time.monotonic()
        subprocess.run(script, check=True, capture_output=True)
        scripted = time.monotonic() - begun
        served = _first_mask(model_store, model, body)
        if number:
            ours.append(served)
            theirs.append(scripted)
    ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
    click.echo(f"{processor()}, Python {platform.python_version()}; {rounds} rounds\n")
    click.echo(
        f"script: {statistics.median(theirs):.2f} s; service, until its first mask: {statistics.median(ours):.2f} s"
    )
    click.echo(f"ratio: {ratio:.2f}")


def _first_mask(model_store: Path, model: str, body: bytes) -> float:
    """Seconds from the start of the process to a mask."""
    begun = time.monotonic()
    with started(model_store, model) as server:
        while server.process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if server.client.post("/segment", content=body).status_code == httpx.codes.OK:
                    return time.monotonic() - begun
            time.sleep(0.01)
    raise click.ClickException("the service ended before its first mask")


if __name__ == "__main__":
    main()
