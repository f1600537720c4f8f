"""Memory of the service over many requests of mixed sizes, kinds and outputs, some of them broken."""

import itertools
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import click

from benchmarks.request import photograph
from benchmarks.server import serving

SIZES = ((160, 120), (500, 375), (375, 500), (1024, 768), (2000, 1500), (33, 700), (4000, 3000))
KINDS = ("JPEG", "PNG", "WEBP")
OUTPUTS = ("mask", "overlay", "json", "cutout", "probabilities")
SETTLE_SECONDS = 0.05


@click.command()
@click.option("--requests", default=2000, show_default=True)
@click.option("--every", default=20, show_default=True, help="Requests between two looks at the idle process.")
@click.option("--model-store", type=click.Path(path_type=Path, exists=True), default="model_store", show_default=True)
@click.option("--model", default="pets:production", show_default=True)
def main(requests: int, every: int, model_store: Path, model: str) -> None:
    """Print the median idle resident size by quarter."""
    sizes = []
    statuses: dict[int, int] = {}
    with serving(model_store, model) as server:
        for number, (body, output) in enumerate(itertools.islice(_mix(), requests), start=1):
            status = server.client.post("/segment", params={"output": output}, content=body).status_code
            statuses[status] = statuses.get(status, 0) + 1
            if number % every == 0:
                time.sleep(SETTLE_SECONDS)
                sizes.append(server.resident_bytes / 1e6)
    quarter = len(sizes) // 4
    medians = [statistics.median(sizes[i * quarter : (i + 1) * quarter]) for i in range(4)]
    click.echo(f"{requests} requests, answers by status: {statuses}")
    click.echo("median idle MB by quarter: " + ", ".join(f"{median:.1f}" for median in medians))
    click.echo(f"last quarter against the third: {medians[3] / medians[2] - 1:+.2%}; highest {max(sizes):.1f} MB")


def _mix() -> Iterator[tuple[bytes, str]]:
    """Every size in every kind with every output, and one broken picture a round, for ever."""
    pictures = [photograph(width, height, kind) for width, height in SIZES[:-1] for kind in KINDS]
    pictures += [photograph(*SIZES[-1], "JPEG"), pictures[0][:500]]
    for turn in itertools.count():
        for place, picture in enumerate(pictures):
            yield picture, OUTPUTS[(turn + place) % len(OUTPUTS)]


if __name__ == "__main__":
    main()
