"""float32, bfloat16 and int8: time, throughput, quality, and how many pixels of the masks are the same."""

import platform
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np

from app.core.errors import ConfigurationError
from app.core.settings import load_settings
from app.imaging.geometry import resize_picture
from app.inference.loaded import LoadedModel, load_model
from app.nn.metrics import confusion_matrix, mean_iou
from app.store.repository import ModelStore
from app.training.dataset import read_sample
from app.training.machine import processor
from app.training.sources.opening import open_sources
from app.training.timing import alternate

Array = np.ndarray[Any, np.dtype[Any]]
THROUGHPUT_SECONDS = 5.0


@click.command()
@click.argument("references", metavar="MODEL…", nargs=-1, required=True)
@click.option("--data", type=click.Path(path_type=Path, exists=True), multiple=True, required=True)
@click.option("--split", default="test", show_default=True)
@click.option("--rounds", default=60, show_default=True, help="Counted rounds of the timing.")
@click.option("--model-store", type=click.Path(path_type=Path, exists=True), default="model_store", show_default=True)
def main(references: tuple[str, ...], data: tuple[Path, ...], split: str, rounds: int, model_store: Path) -> None:
    """Print a table: each MODEL as it is stored, the first one in bfloat16, too."""
    store, source = ModelStore(model_store), open_sources(data)
    pictures, truths = zip(*(read_sample(source, sample) for sample in source.samples(split)), strict=True)
    models: dict[str, LoadedModel] = {}
    missing = []
    for reference, precision in (
        (references[0], "float32"),
        (references[0], "bfloat16"),
        *((r, "float32") for r in references[1:]),
    ):
        try:
            settings = load_settings(model_store=model_store, precision=precision)
            loaded = load_model(store, reference, settings)
        except ConfigurationError as error:
            missing.append(f"{reference} in {precision}: {error}")
            continue
        models[f"{reference}, {loaded.identity.precision}"] = loaded
    masks = {name: [model.segment(picture) for picture in pictures] for name, model in models.items()}
    size = next(iter(models.values())).view().size
    calls = {name: partial(_one, model, pictures[0]) for name, model in models.items()}
    times = {name: float(np.median(each)) for name, each in alternate(calls, rounds).items()}
    click.echo(
        f"{processor()}, Python {platform.python_version()}; {len(pictures)} pictures of {split}, {size[0]}×{size[1]}\n"
    )
    click.echo("| | ms, one at a time | pictures/s, all streams | mean IoU | equal pixels |\n|---|---|---|---|---|")
    first = next(iter(masks.values()))
    for name, model in models.items():
        pairs = zip(truths, masks[name], strict=True)
        matrix = np.sum([confusion_matrix(truth, mask, len(model.labels)) for truth, mask in pairs], axis=0)
        equal = sum(int((a == b).sum()) for a, b in zip(first, masks[name], strict=True)) / sum(m.size for m in first)
        rate = _throughput(model, pictures[0])
        click.echo(f"| {name} | {times[name]:.1f} | {rate:.0f} | {mean_iou(matrix):.4f} | {equal:.2%} |")
    for line in missing:
        click.echo(f"\n{line}")


def _one(model: LoadedModel, picture: Array) -> Array:
    view = model.view()
    return model.engine.infer(resize_picture(picture, view.geometry((picture.shape[0], picture.shape[1])))[None])


def _throughput(model: LoadedModel, picture: Array) -> float:
    begun = time.perf_counter()

    def loop(_: int) -> int:
        done = 0
        while time.perf_counter() < begun + THROUGHPUT_SECONDS:
            _one(model, picture)
            done += 1
        return done

    with ThreadPoolExecutor(model.engine.calls) as pool:
        return sum(pool.map(loop, range(model.engine.calls))) / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
