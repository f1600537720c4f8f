"""12-megapixel photographs: the stages of one, and how long `/health/live` takes while eight clients send them."""

import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import httpx
import numpy as np

from app.training.machine import processor
from benchmarks.request import TOTAL, photograph, stage_times
from benchmarks.server import Server, serving

SIZE = (4000, 3000)
CLIENTS = 8
PAUSE_SECONDS = 0.02


@click.command()
@click.option("--requests", default=10, show_default=True, help="One after another, for the stages.")
@click.option("--seconds", default=20.0, show_default=True, help="Of the load.")
@click.option("--file", type=click.Path(path_type=Path, exists=True), help="A photograph of one's own.")
@click.option("--model-store", type=click.Path(path_type=Path, exists=True), default="model_store", show_default=True)
@click.option("--model", default="pets:production", show_default=True)
def main(requests: int, seconds: float, file: Path | None, model_store: Path, model: str) -> None:
    """Print both."""
    body = file.read_bytes() if file else photograph(*SIZE)
    with tempfile.TemporaryDirectory() as temporary, serving(model_store, model) as server:
        path = Path(temporary, "picture.jpg")
        path.write_bytes(body)
        stages, _ = stage_times(server.client, body, requests)
        idle = _live(server, 2.0)
        port = str(server.client.base_url.port)
        load = [sys.executable, "-m", "benchmarks.load", port, str(path), "image/jpeg", str(CLIENTS), str(seconds)]
        with subprocess.Popen(load, stdout=subprocess.DEVNULL) as process:
            time.sleep(1.0)
            busy = _live(server, seconds - 2.0)
            process.wait()
    click.echo(f"{processor()}, Python {platform.python_version()}; JPEG of {len(body) / 1e6:.1f} MB\n")
    stages["all but inference"] = stages[TOTAL] - stages["inference"]
    click.echo(", ".join(f"{name} {value:.1f} ms" for name, value in stages.items()))
    for name, times in (("nothing else", idle), (f"{CLIENTS} clients", busy)):
        p50, p99 = np.percentile(times, [50, 99]) * 1e3
        most = max(times) * 1e3
        click.echo(f"/health/live, {name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, most {most:.1f} ms of {len(times)}")


def _live(server: Server, seconds: float) -> list[float]:
    """Seconds of each of many questions, over one connection."""
    times = []
    with httpx.Client(base_url=server.client.base_url, timeout=60) as client:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            begun = time.perf_counter()
            client.get("/health/live").raise_for_status()
            times.append(time.perf_counter() - begun)
            time.sleep(PAUSE_SECONDS)
    return times


if __name__ == "__main__":
    main()
