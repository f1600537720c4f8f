"""The command `bench`: how fast a running service answers."""

import asyncio
import json
import math
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.core.command_line import FAILED, PathOption, complain, json_option, reports_errors

if TYPE_CHECKING:
    from app.client import AsyncClient, SegserveError

TIMEOUT_SECONDS = 60.0
KEY_VARIABLE = "API_KEY"


@dataclass(frozen=True)
class Measured:
    """What clients saw that each sent one request after the other.

    Args:
        model: which answered.
        output: what was asked for.
        clients: how many.
        seconds: from the first request to the last answer.
        answers: good ones.
        throughput: of these, a second.
        milliseconds: until a good answer, by share of them: p50, p95, p99, and the longest.
        errors: number by code.
    """

    model: str
    output: str
    clients: int
    seconds: float
    answers: int
    throughput: float
    milliseconds: dict[str, float] | None
    errors: dict[str, int]


@click.command()
@click.argument("picture", type=PathOption)
@click.option("--url", default="http://localhost:8000", show_default=True, help="Address of the service.")
@click.option("--clients", type=click.IntRange(1, 1000), default=8, show_default=True, help="As many at a time.")
@click.option(
    "--seconds", type=click.FloatRange(0, 3600, min_open=True), default=10.0, show_default=True, help="How long."
)
@click.option("--output", default="mask", show_default=True, help="What to ask for, as `output=` of the API.")
@click.option("--model", metavar="NAME[:VERSION|ALIAS]", help="The model to ask.  [the service's default one]")
@click.option("--api-key", envvar=KEY_VARIABLE, metavar="KEY", help=f"Better given as the variable {KEY_VARIABLE}.")
@json_option
@reports_errors
def bench(
    picture: Path,
    url: str,
    clients: int,
    seconds: float,
    output: str,
    model: str | None,
    api_key: str | None,
    as_json: bool,
) -> None:
    """Ask a running service as fast as it answers, and say how fast that is.

    Each client sends PICTURE again as soon as it is answered; nothing is tried twice. What a service refuses (503
    when it has too much to do) counts as an error, by its code; its client waits as long as it is told to. One request
    goes ahead of all; when it fails, so does the command. The clients take up to a core of their own: to see what a
    service can do at most, run them on another machine.

    \b
    Examples:
      segserve bench cat.jpg
      segserve bench cat.jpg --url https://vision.example.org --clients 32 --seconds 30
      segserve bench cat.jpg --output json --json | jq .milliseconds.p95

    \b
    Exit codes: 0 all were answered, 1 there were errors, or no service; 2 wrong use.
    """
    import httpx

    from app.client import SegserveError

    if math.isnan(seconds):
        raise click.UsageError("--seconds: a number, not nan")
    try:
        content = picture.read_bytes()
    except OSError as error:
        raise click.UsageError(f"{picture}: {error.strerror}") from error
    try:
        measured = asyncio.run(_measure(content, url, clients, seconds, output, model, api_key))
    except SegserveError as error:
        complain(f"{url}: {error.detail} ({error.code})")
        raise SystemExit(FAILED) from error
    except (ValueError, httpx.InvalidURL) as error:
        raise click.UsageError(f"--url: {error}") from error
    click.echo(json.dumps(asdict(measured), indent=2) if as_json else _text(measured))
    if measured.errors:
        raise SystemExit(FAILED)


async def _measure(
    content: bytes, url: str, clients: int, seconds: float, output: str, model: str | None, api_key: str | None
) -> Measured:
    from app.client import AsyncClient

    async with AsyncClient(url, api_key=api_key, timeout=TIMEOUT_SECONDS, retries=0, connections=clients) as client:
        first = await client.answer(content, output, model=model)
        times: list[float] = []
        errors: Counter[str] = Counter()
        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(_ask(client, content, output, model, started + seconds, times, errors))
        took = time.perf_counter() - started
    return Measured(
        model=f"{first.model.name}:{first.model.version}, {first.model.engine}, {first.model.precision}",
        output=output,
        clients=clients,
        seconds=round(took, 3),
        answers=len(times),
        throughput=round(len(times) / took, 2),
        milliseconds=_latency(times),
        errors=dict(errors.most_common()),
    )


async def _ask(
    client: "AsyncClient",
    content: bytes,
    output: str,
    model: str | None,
    until: float,
    times: list[float],
    errors: "Counter[str]",
) -> None:
    """One client, until the time is up; after an error that says when to come again it waits so long."""
    from app.client import SegserveError

    while (begun := time.perf_counter()) < until:
        try:
            await client.answer(content, output, model=model)
            times.append(time.perf_counter() - begun)
        except SegserveError as error:
            errors[error.code] += 1
            await asyncio.sleep(max(0.0, min(_pause(error), until - time.perf_counter())))


def _pause(error: "SegserveError") -> float:
    """Seconds; a service that is gone is not asked a thousand times a second whether it is back."""
    return 0.1 if error.retry_after is None else error.retry_after


def _latency(times: list[float]) -> dict[str, float] | None:
    """The nearest rank: a time that was measured."""
    if not times:
        return None
    rising = sorted(times)
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "longest": 1.0}
    ranks = {name: max(0, -int(-share * len(rising) // 1) - 1) for name, share in shares.items()}
    return {name: round(rising[rank] * 1e3, 2) for name, rank in ranks.items()}


def _text(measured: Measured) -> str:
    lines = [
        f"{measured.model}: {measured.output}, {measured.clients} clients, {measured.seconds:.1f} s",
        f"{measured.throughput:.1f} answers a second ({measured.answers})",
    ]
    if measured.milliseconds:
        lines.append("  ".join(f"{name} {value:.1f} ms" for name, value in measured.milliseconds.items()))
    lines += [f"{count} × {code}" for code, count in measured.errors.items()]
    return "\n".join(lines)
