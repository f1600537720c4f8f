"""A campaign: mutated files through the path of a picture in a process of its own, then over HTTP to a real server,
then everything that the OpenAPI document describes.

The same seed sends the same inputs. What fails is kept in a folder, and sent again by
`--seed SEED --first NUMBER --inputs 1 --requests 1`.
"""

import platform
import random
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import click
import PIL

from app.store.repository import ModelStore
from app.training.machine import processor
from tests.fixtures.tiny_model import publish_tiny
from tests.fuzz.cases import drawn
from tests.fuzz.description import checked
from tests.fuzz.requests import drawn_request
from tests.fuzz.service import Service, serving
from tests.fuzz.subject import MAX_PIXELS, MEMORY_MB, SECONDS, Subject
from tests.fuzz.tally import Tally, keep


@click.command()
@click.option("--inputs", default=20_000, show_default=True, help="Pictures in process.")
@click.option("--requests", default=6_000, show_default=True, help="Requests over HTTP.")
@click.option("--seed", type=int, help="Of a campaign that is to be repeated; else it is drawn and printed.")
@click.option("--first", default=0, show_default=True, help="Number of the first input and of the first request.")
@click.option("--examples", default=300, show_default=True, help="For each operation of the OpenAPI document.")
@click.option("--schemathesis", default=Path(".venv-fuzz/bin/st"), type=click.Path(path_type=Path), help="Its program.")
@click.option("--findings", default=Path("fuzz-findings"), type=click.Path(path_type=Path), help="What failed.")
def main(
    inputs: int, requests: int, seed: int | None, first: int, examples: int, schemathesis: Path, findings: Path
) -> None:
    """Print what came of it as Markdown; exit code 1 where something came that should not have."""
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    click.echo(f"seed {seed}", err=True)
    with tempfile.TemporaryDirectory() as temporary:
        store = ModelStore(Path(temporary, "store"))
        store.root.mkdir()
        workspace = Path(temporary, "network")
        workspace.mkdir()
        publish_tiny(store, workspace)
        store.set_alias("pets", "production", 1)
        begun = time.monotonic()
        pictures = _pictures(store.root, seed, range(first, first + inputs), findings)
        sent = _requests(store.root, seed, range(first, first + requests), findings)
        described, report = checked(schemathesis, store.root, seed, examples) if examples else ("not asked", None)
    click.echo(
        f"{datetime.now(UTC):%Y-%m-%d}, seed {seed}, {(time.monotonic() - begun) / 60:.1f} minutes on {processor()}, "
        f"Python {platform.python_version()}, Pillow {PIL.__version__}; limits: {SECONDS:g} s an input, "
        f"{MEMORY_MB} MB above the warm process at {MAX_PIXELS:,} pixels\n"
    )
    for title, tally in (("In process", pictures), ("Over HTTP", sent)):
        click.echo(f"{title}: {tally.summary()}\n\n{tally.table()}\n")
        for finding in tally.findings:
            click.echo(f"- {finding[:500]}")
    click.echo(f"OpenAPI document: {described}\n{report or ''}")
    sys.exit(bool(pictures.findings or sent.findings or report))


def _pictures(store: Path, seed: int, numbers: range, findings: Path) -> Tally:
    tally = Tally()
    with Subject(store, seed) as subject:
        for number in numbers:
            result = subject.run(number)
            case, _ = drawn(seed, number)
            tally.note(case.kind, number, result)
            if result.wrong is not None:
                keep(findings, f"{seed}-input-{number}.{case.kind.lower()}", case.data)
                click.echo(f"input {number}: {result.wrong}", err=True)
    return tally


def _requests(store: Path, seed: int, numbers: range, findings: Path) -> Tally:
    tally = Tally()
    with serving(store) as server:
        service = Service(server, seed)
        for number in numbers:
            result = service.run(number)
            sent = drawn_request(seed, number)
            tally.note(sent.kind, number, result)
            if result.wrong is not None:
                keep(findings, f"{seed}-request-{number}", sent.body)
                click.echo(f"request {number}: {result.wrong}", err=True)
        service.close()
        server.terminate()
        if code := server.exit_code():
            tally.findings.append(f"the server ended with {code}")
        tally.findings += [line for line in server.lines if '"level": "error"' in line]
    return tally


if __name__ == "__main__":
    main()
