"""What the service does when more is asked of it than it can do: an open-loop load at parts of its capacity.

Capacity is what eight closed-loop clients get, measured anew in every round. The client runs on the same cores: what it
and the service's event loop take of them is in the table, too.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import numpy as np

from app.store.repository import ModelStore
from app.training.machine import processor
from benchmarks.model import photograph_jpeg, publish_benchmark_models
from benchmarks.server import Server, serving, thread_seconds

SHARES = (0.5, 0.9, 1.5, 3.0)
CLIENTS = 8
CLOSED = 0.0
"""Stands for the closed loop among the shares."""
Answers = list[tuple[str, float, float]]
"""Status, seconds until the answer, seconds from the beginning of the load."""
Taken = dict[float, list[tuple[float, float]]]
"""What client and event loop took of all cores, 0–1, in each round at each share."""


@click.command()
@click.option("--rounds", default=3, show_default=True)
@click.option("--seconds", default=8.0, show_default=True, help="Of each load.")
@click.option("--model", default="pets", show_default=True, help="Whose weights to take.")
@click.option("--plot", type=click.Path(path_type=Path), help="PNG of answers a second by offered load.")
def main(rounds: int, seconds: float, model: str, plot: Path | None) -> None:
    """Print the table as Markdown."""
    capacities: list[float] = []
    loads: dict[float, list[Answers]] = {share: [] for share in SHARES}
    taken: Taken = {share: [] for share in (CLOSED, *SHARES)}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        store = publish_benchmark_models(folder / "store", ModelStore(Path("model_store")), model)
        (folder / "picture.jpg").write_bytes(photograph_jpeg())
        with serving(store.root, "bench:1") as server:
            asked = [str(server.client.base_url.port), str(folder / "picture.jpg"), "image/jpeg"]
            _run(server, "load", [*asked, str(CLIENTS), "3"])  # first-time work is done by then
            for _ in range(rounds):
                found, used = _run(server, "load", [*asked, str(CLIENTS), str(seconds)])
                capacities.append(found["statuses"]["200"] / found["seconds"])
                taken[CLOSED].append(used)
                for share in SHARES:
                    found, used = _run(server, "open_loop", [*asked, str(share * capacities[-1]), str(seconds)])
                    loads[share].append(found["answers"])
                    taken[share].append(used)
    click.echo(f"{processor()}, Python {platform.python_version()}; {rounds} rounds of {seconds:g} s\n")
    click.echo(table(capacities, loads, taken, seconds))
    if plot:
        _draw(capacities, loads, seconds, plot)


def _run(server: Server, module: str, arguments: list[str]) -> tuple[dict[str, Any], tuple[float, float]]:
    """What a client has found, and what it and the event loop took of all cores."""
    command, loop = [sys.executable, "-m", f"benchmarks.{module}", *arguments], server.process.pid
    before = thread_seconds(loop)[loop]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    all_cores = found["seconds"] * len(os.sched_getaffinity(0))
    return found, (found["processor_seconds"] / all_cores, (thread_seconds(loop)[loop] - before) / all_cores)


def goodput(answers: Answers, seconds: float) -> float:
    """Masks a second, of those that came while the load lasted."""
    return sum(status == "200" and since <= seconds for status, _, since in answers) / seconds


def table(capacities: list[float], loads: dict[float, list[Answers]], taken: Taken, seconds: float) -> str:
    """A line for each share of the capacity; the medians over the rounds of what is counted in each."""
    head = ["offered", "masks a second", "× capacity", "p50 ms of masks", "p99 ms", "refused (503)", "p50 ms of 503"]
    head += ["p99 ms", "other", "of the cores: client", "event loop"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    capacity = f"{statistics.median(capacities):.1f}"
    lines.append(
        f"| {CLIENTS} clients, closed loop | {capacity} | 1.00 |  |  |  |  |  |  | {_medians(taken[CLOSED])} |"
    )
    for share, rounds in loads.items():
        rates = [goodput(answers, seconds) for answers in rounds]
        ratio = statistics.median(rate / capacity for rate, capacity in zip(rates, capacities, strict=True))
        every = [answer for answers in rounds for answer in answers]
        refused = sum(status == "503" for status, _, _ in every)
        other = sum(status not in ("200", "503") for status, _, _ in every)
        cells = [f"{share:.0%}", f"{statistics.median(rates):.1f}", f"{ratio:.2f}", *_latency(every, "200")]
        cells += [f"{refused / len(every):.0%}", *_latency(every, "503"), str(other), _medians(taken[share])]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _medians(taken: list[tuple[float, float]]) -> str:
    return " | ".join(f"{statistics.median(each):.0%}" for each in zip(*taken, strict=True))


def _latency(answers: Answers, wanted: str) -> list[str]:
    times = [seconds for status, seconds, _ in answers if status == wanted]
    return [f"{np.percentile(times, share) * 1e3:.0f}" for share in (50, 99)] if times else ["–", "–"]


def _draw(capacities: list[float], loads: dict[float, list[Answers]], seconds: float, path: Path) -> None:
    from matplotlib.figure import Figure

    capacity = statistics.median(capacities)
    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axes = figure.subplots()
    shares = [0.0, *loads]
    masks = [statistics.median(goodput(answers, seconds) for answers in rounds) for rounds in loads.values()]
    refused = [statistics.median(sum(a[0] == "503" for a in r) / seconds for r in rounds) for rounds in loads.values()]
    for rates, name, colour in ((masks, "masks", "#1b6ca8"), (refused, "refused at once", "#d95f0e")):
        axes.plot([share * capacity for share in shares], [0.0, *rates], "o-", label=name, color=colour)
    axes.axhline(capacity, color="grey", linestyle=":", label=f"{CLIENTS} clients, closed loop")
    axes.set(xlabel="requests offered a second", ylabel="answers a second", ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
