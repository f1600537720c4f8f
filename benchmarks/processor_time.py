"""Milliseconds of the processor that an answer takes: of the service by thread, of its client, of the bare pipeline.

    python -m benchmarks.processor_time

Processor time, not time on the clock: it hardly depends on what else runs. Linux.
"""

import contextlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click
import httpx

from app.store.repository import ModelStore
from app.training.machine import processor
from benchmarks.model import photograph_jpeg, publish_benchmark_models
from benchmarks.server import free_port, serving, thread_seconds

CLIENTS = 8
START_SECONDS = 60


@click.command()
@click.option("--seconds", default=10.0, show_default=True, help="Of each measurement.")
@click.option("--model", default="pets", show_default=True, help="Whose weights to take.")
def main(seconds: float, model: str) -> None:
    """Prints the table as Markdown."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        store = publish_benchmark_models(folder / "store", ModelStore(Path("model_store")), model).root
        body = folder / "picture.jpg"
        body.write_bytes(photograph_jpeg())
        rows = [("bare pipeline", *_bare(store, body, seconds))]
        with serving(store, "bench:1") as server:
            pid, port = server.process.pid, server.client.base_url.port
            rows.append(("segserve", *_served(pid, port or 0, body, seconds)))
        with _nothing(body) as (pid, port):
            rows.append(("FastAPI that looks at nothing", *_served(pid, port, body, seconds)))
    click.echo(f"{processor()}, Python {platform.python_version()}; {CLIENTS} clients, {seconds:g} s, float32\n")
    click.echo("| ms an answer | event loop | other threads | client | all |\n|---|---|---|---|---|")
    for name, loop, threads, client in rows:
        click.echo(f"| {name} | {loop:.2f} | {threads:.2f} | {client:.2f} | {loop + threads + client:.2f} |")


def _bare(store: Path, body: Path, seconds: float) -> tuple[float, float, float]:
    threads = 2 * len(os.sched_getaffinity(0))
    arguments = [str(store), "bench:1", str(body), "pipeline", str(threads), str(seconds)]
    found = json.loads(_run("benchmarks.bare", arguments)[0])
    return 0.0, found["processor_seconds"] * 1e3 / found["statuses"]["200"], 0.0


def _served(pid: int, port: int, body: Path, seconds: float) -> tuple[float, float, float]:
    """Of the main thread, of the others, of the client; ms an answer."""
    _run("benchmarks.load", [str(port), str(body), "image/jpeg", str(CLIENTS), "1"])  # first-time work
    before = thread_seconds(pid)
    output, client = _run("benchmarks.load", [str(port), str(body), "image/jpeg", str(CLIENTS), str(seconds)])
    used = {thread: each - before.get(thread, 0.0) for thread, each in thread_seconds(pid).items()}
    answers = json.loads(output)["statuses"]["200"]
    loop = used.pop(pid)
    return loop * 1e3 / answers, sum(used.values()) * 1e3 / answers, client * 1e3 / answers


def _run(module: str, arguments: list[str]) -> tuple[str, float]:
    """What a module prints last, and its processor time in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-m", module, *arguments], check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout.splitlines()[-1], spent


@contextlib.contextmanager
def _nothing(body: Path) -> Iterator[tuple[int, int]]:
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "benchmarks.baselines.nothing", str(port)]) as process:
        try:
            deadline = time.monotonic() + START_SECONDS
            while time.monotonic() < deadline:
                with contextlib.suppress(httpx.TransportError):
                    httpx.post(f"http://127.0.0.1:{port}/segment", content=body.read_bytes()).raise_for_status()
                    break
            yield process.pid, port
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
