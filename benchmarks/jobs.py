"""A job on so many pictures: plain, on Ray with one and two workers, and with losses; answers compared.

Needs the environment of `make ray-test`. Every job, the plain one too, computes with one thread a core.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image

from app.training.machine import processor

NODE = {"num_cpus": 1, "object_store_memory": 100_000_000}
HEAD = {"num_cpus": 0, "object_store_memory": 100_000_000, "include_dashboard": False}
OUTPUT = "mask,json"


@dataclass(frozen=True)
class Result:
    """A job that has ended.

    Args:
        seconds: of the whole command.
        working: from the first answer to the last, by the times of the files.
        answers: content of each by its path.
    """

    seconds: float
    working: float
    answers: dict[str, bytes]


def draw_pictures(folder: Path, count: int) -> None:
    """Writes JPEGs of 400×300 pixels or about, of soft blotches with noise."""
    random = np.random.default_rng(1)
    for number in range(count):
        width, height = (int(side) for side in random.integers(300, 420, 2))
        blotches = Image.fromarray(random.integers(0, 255, (6, 8, 3), np.uint8)).resize((width, height))
        noise = random.normal(0, 6, (height, width, 1))
        pixels = np.clip(np.asarray(blotches) + noise, 0, 255).astype(np.uint8)
        path = folder / f"{number // 100:03d}" / f"{number:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, quality=90)


def link_pictures(folder: Path, data: Path, count: int) -> None:
    """Links the first pictures of a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(data.rglob("*.jpg"))[:count]:
        (folder / path.name).symlink_to(path.resolve())


def measure(pictures: Path, out: Path, *options: str, disturb: Callable[[], Any] | None = None) -> Result:
    """Runs a job to its end.

    Args:
        pictures: their folder.
        out: a new folder.
        options: of the command.
        disturb: called once a quarter of the answers is there.
    """
    command = [
        sys.executable,
        "-m",
        "app.cli",
        "segment",
        str(pictures),
        "--out",
        str(out),
        "--output",
        OUTPUT,
        "--json",
    ]
    started = time.monotonic()
    job = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
    if disturb is not None:
        quarter = sum(1 for _ in pictures.rglob("*.jpg")) // 4
        while job.poll() is None and sum(1 for _ in out.rglob("*.mask.png")) < quarter:
            time.sleep(0.1)
        disturb()
    stdout, _ = job.communicate()
    seconds = time.monotonic() - started
    if job.returncode:  # 1: a picture has no answer
        raise click.ClickException(f"the job ended with {job.returncode}: {stdout}")
    files = [
        path for path in out.rglob("*") if path.is_file() and path.name.endswith((".mask.png", ".segmentation.json"))
    ]
    times = [path.stat().st_mtime for path in files]
    answers = {path.relative_to(out).as_posix(): path.read_bytes() for path in files}
    if json.loads(stdout)["done"] * 2 != len(answers):
        raise click.ClickException("summary and answers differ")
    return Result(seconds, max(times) - min(times), answers)


def on_nodes(pictures: Path, out: Path, nodes: int, loss: str | None = None) -> Result:
    """The job on a cluster of so many nodes of one CPU; `loss` is `worker`, `node` or nothing."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args=HEAD)
    try:
        workers = [cluster.add_node(**NODE) for _ in range(nodes)]
        cluster.wait_for_nodes()

        def disturb() -> None:
            if loss == "node":
                cluster.remove_node(workers[0], allow_graceful=False)
                cluster.add_node(**NODE)
            else:
                os.kill(_holds_model(workers[0]), signal.SIGKILL)

        return measure(pictures, out, f"--ray={cluster.address}", disturb=None if loss is None else disturb)
    finally:
        cluster.shutdown()


def _holds_model(node: Any) -> int:
    """A process of a node that works on pictures."""
    raylet = node.all_processes["raylet"][0].process.pid
    children = Path(f"/proc/{raylet}/task/{raylet}/children").read_text().split()
    return next(int(pid) for pid in children if b"MapWorker" in Path(f"/proc/{pid}/cmdline").read_bytes())


@click.command()
@click.option("--pictures", "count", default=1000, show_default=True, help="How many.")
@click.option("--data", type=click.Path(path_type=Path, exists=True), help="Folder to take JPEGs from.  [drawn]")
@click.option("--write", type=click.Path(path_type=Path), help="JSON of the same numbers.")
def main(count: int, data: Path | None, write: Path | None) -> None:
    """Print a table: pictures a second while working, as ratios to the plain job with one thread."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        pictures = root / "pictures"
        if data is None:
            draw_pictures(pictures, count)
        else:
            link_pictures(pictures, data, count)
        runs: dict[str, Callable[[Path], Result]] = {
            "plain, 1 thread": lambda out: measure(pictures, out, "--threads", "1"),
            "plain, 2 threads": lambda out: measure(pictures, out, "--threads", "2"),
            "Ray, 1 node": lambda out: on_nodes(pictures, out, 1),
            "Ray, 2 nodes": lambda out: on_nodes(pictures, out, 2),
            "Ray, 2 nodes, a worker killed": lambda out: on_nodes(pictures, out, 2, "worker"),
            "Ray, 2 nodes, one lost and replaced": lambda out: on_nodes(pictures, out, 2, "node"),
        }
        count = sum(1 for _ in pictures.rglob("*.jpg"))
        click.echo(f"{processor()}; {count} pictures, {OUTPUT} of each\n")
        click.echo("| | s in all | pictures/s while working | times the first | answers equal to the first's |")
        click.echo("|---|---|---|---|---|")
        first: Result | None = None
        told: dict[str, dict[str, float | bool]] = {}
        for number, (name, run) in enumerate(runs.items()):
            result = run(root / f"out{number}")
            first = first or result
            rate, base = (count / each.working for each in (result, first))
            equal = result.answers == first.answers
            told[name] = {"seconds": result.seconds, "rate": rate, "times_the_first": rate / base, "equal": equal}
            click.echo(
                f"| {name} | {result.seconds:.1f} | {rate:.1f} | {rate / base:.2f} | {'yes' if equal else 'NO'} |"
            )
    if write:
        machine = {"processor": processor(), "pictures": count}
        write.write_text(json.dumps(machine | {"runs": told}, indent=2) + "\n")
    if not all(each["equal"] for each in told.values()):
        raise click.ClickException("answers differ")


if __name__ == "__main__":
    main()
