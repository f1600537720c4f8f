"""The service against other servers with the same weights, one 500×375 JPEG to its mask, in one alternating run.

    make bench-serving

A closed-loop client asks the servers in turn; the others are stopped meanwhile.
"""

import contextlib
import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np

from app.store.repository import ModelStore
from app.training.machine import processor
from benchmarks.model import photograph_jpeg, publish_benchmark_models
from benchmarks.server import free_port

CLIENTS = (1, 8, 64)
START_SECONDS = 180
FORM = "multipart/form-data; boundary=picture"


@dataclass
class Contestant:
    """What is measured.

    Args:
        name: for the table.
        command: starts a server on `port`; where that is 0, measures by itself, given threads and seconds.
        port: of the server.
        form: whether it wants a form.
        baseline: whether it is one that the service is compared with.
        runs: what came of it, by number of clients.
    """

    name: str
    command: list[str]
    port: int
    form: bool = False
    baseline: bool = False
    runs: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    def rate(self, clients: int) -> float:
        """Median answers a second."""
        return float(statistics.median(run["statuses"].get("200", 0) / run["seconds"] for run in self.runs[clients]))

    def percentile(self, clients: int, share: float) -> float:
        """Latency in ms."""
        times = [each for run in self.runs[clients] for each in run["times"]]
        return float(np.percentile(times, share)) * 1e3

    def refused(self) -> int:
        """Answers other than 200."""
        statuses = (run["statuses"] for runs in self.runs.values() for run in runs)
        return sum(count for each in statuses for status, count in each.items() if status != "200")


@click.command()
@click.option("--rounds", default=5, show_default=True)
@click.option("--seconds", default=5.0, show_default=True, help="Of each measurement.")
@click.option("--bench-python", default=".venv-bench/bin/python", show_default=True, help="Python of the baselines.")
@click.option("--model", default="pets", show_default=True, help="Whose weights to take.")
def main(rounds: int, seconds: float, bench_python: str, model: str) -> None:
    """Prints the table as Markdown."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        store = publish_benchmark_models(folder / "store", ModelStore(Path("model_store")), model)
        bodies = _bodies(folder)
        contestants = _contestants(store, bench_python, bodies[False])
        listening = [each for each in contestants if each.port]
        servers = _Servers(listening)
        with servers.running(listening):
            for each in contestants:
                _measure(each, 8, bodies, min(2.0, seconds), servers)  # first-time work of each is done by then
            for clients in CLIENTS:
                for _ in range(rounds):
                    for each in contestants:
                        if each.port or clients <= 8:
                            run = _measure(each, clients, bodies, seconds, servers)
                            each.runs.setdefault(clients, []).append(run)
                        click.echo(".", nl=False, err=True)
            click.echo("", err=True)
            resident = {each.name: servers.resident_bytes(each) for each in listening}
    click.echo(
        f"{processor()}, {os.cpu_count()} CPUs, Python {platform.python_version()}; {rounds} rounds of {seconds:g} s\n"
    )
    click.echo(_table(contestants, resident))


def _contestants(store: ModelStore, bench_python: str, body: Path) -> list[Contestant]:
    keras, cpus = store.resolve("bench:1").path / "model.keras", len(os.sched_getaffinity(0))
    made: list[Contestant] = []
    for number, precision in ((1, "float32"), (2, "int8")):
        for what in ("engine", "pipeline"):
            arguments = [str(store.root), f"bench:{number}", str(body), what]
            made.append(
                Contestant(f"bare {what}, {precision}", [sys.executable, "-m", "benchmarks.bare", *arguments], 0)
            )
    for number, precision in ((1, "float32"), (2, "int8")):
        port = free_port()
        arguments = ["--model-store", str(store.root), "--model", f"bench:{number}", "--port", str(port)]
        made.append(Contestant(f"segserve, {precision}", [sys.executable, "-m", "app.cli", "serve", *arguments], port))
    for module, workers, title in (
        ("fastapi_predict", 1, "FastAPI, model.predict"),
        ("fastapi_graph", 1, "FastAPI, traced graph"),
        ("fastapi_graph", cpus, f"FastAPI, traced graph, {cpus} workers"),
        ("litserve_batches", 1, "LitServe, batching"),
    ):
        port = free_port()
        command = [bench_python, "-m", f"benchmarks.baselines.{module}", str(keras), str(port), str(workers)]
        made.append(Contestant(title, command, port, form=module.startswith("litserve"), baseline=True))
    return made


def _bodies(folder: Path) -> dict[bool, Path]:
    """The picture as a body (False) and in a form (True)."""
    picture = photograph_jpeg()
    head = b'--picture\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    for name, data in (("picture.jpg", picture), ("picture.form", head + picture + b"\r\n--picture--\r\n")):
        (folder / name).write_bytes(data)
    return {False: folder / "picture.jpg", True: folder / "picture.form"}


def _measure(
    contestant: Contestant, clients: int, bodies: dict[bool, Path], seconds: float, servers: "_Servers"
) -> dict[str, Any]:
    if contestant.port:
        content_type = FORM if contestant.form else "image/jpeg"
        arguments = [str(contestant.port), str(bodies[contestant.form]), content_type, str(clients), str(seconds)]
        command = [sys.executable, "-m", "benchmarks.load", *arguments]
    else:
        threads = min(clients, 2 * len(os.sched_getaffinity(0)))
        command = [*contestant.command, str(threads), str(seconds)]
    with servers.awake(contestant) if contestant.port else contextlib.nullcontext():
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


class _Servers:
    """Servers that run, stopped but for the one that is measured: some never rest, even if nobody asks them anything.

    Args:
        contestants: those that are servers.
    """

    def __init__(self, contestants: Sequence[Contestant]) -> None:
        environment = {
            **os.environ,
            "SEGSERVE_LOG_LEVEL": "warning",
            "SEGSERVE_DRAIN_SECONDS": "0",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        quiet = subprocess.DEVNULL
        self._processes = {
            each.name: subprocess.Popen(
                each.command, env=environment, start_new_session=True, stdout=quiet, stderr=quiet
            )
            for each in contestants
        }

    @contextlib.contextmanager
    def running(self, contestants: Sequence[Contestant]) -> Iterator[None]:
        """Waits until each listens, then stops them; ends them at the end of the block."""
        try:
            for each in contestants:
                _wait(each, self._processes[each.name])
            for each in contestants:
                self._signal(each, signal.SIGSTOP)
            yield
        finally:
            for each in contestants:
                with contextlib.suppress(ProcessLookupError):
                    self._signal(each, signal.SIGKILL)
                self._processes[each.name].wait()

    @contextlib.contextmanager
    def awake(self, contestant: Contestant) -> Iterator[None]:
        """Lets one go on while the block runs."""
        self._signal(contestant, signal.SIGCONT)
        yield
        self._signal(contestant, signal.SIGSTOP)

    def resident_bytes(self, contestant: Contestant) -> int:
        """Of all its processes; what they share counts in each."""
        return _resident_bytes(self._processes[contestant.name].pid)

    def _signal(self, contestant: Contestant, number: int) -> None:
        os.killpg(self._processes[contestant.name].pid, number)


def _wait(contestant: Contestant, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", contestant.port), 1):
            return
        time.sleep(0.2)
    raise click.ClickException(f"{contestant.name} did not start: {' '.join(contestant.command)}")


def _resident_bytes(leader: int) -> int:
    """Of all processes in a session (Linux)."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text("utf-8").rpartition(")")[2].split()[3]) == leader:
                total += int((stat.parent / "statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return total


def _table(contestants: Sequence[Contestant], resident: dict[str, int]) -> str:
    best = max(each.rate(8) for each in contestants if each.baseline)
    head = ["", "8 clients, answers/s", "× best baseline", "p50 ms", "p99 ms", "p99 / p50"]
    head += ["1 client, p50 ms", "64 clients, answers/s", "not 200", "memory MB"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for each in contestants:
        p50, p99 = (each.percentile(8, share) for share in (50, 99))
        cells = [
            each.name,
            f"{each.rate(8):.1f}",
            f"{each.rate(8) / best:.2f}",
            f"{p50:.1f}",
            f"{p99:.1f}",
            f"{p99 / p50:.1f}",
        ]
        cells.append(f"{each.percentile(1, 50):.1f}")
        if each.port:
            cells += [f"{each.rate(64):.1f}", str(each.refused()), f"{resident[each.name] / 1e6:.0f}"]
        else:
            cells += ["", "", ""]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
