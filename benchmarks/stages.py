"""Each stage of a request by itself, in process, beside the other ways to do it."""

import io
import platform
import statistics
import zlib
from functools import partial
from pathlib import Path

import click
import numpy as np
from PIL import Image

from app.core.settings import load_settings
from app.imaging.decode import DecodeLimits, decode
from app.imaging.geometry import resize_image
from app.imaging.masks import class_ids, segment_mask
from app.imaging.probabilities import ResizedProbabilities, restored
from app.inference.engine import infer_picture
from app.inference.loaded import load_model
from app.inference.segmenter import DETAIL
from app.store.repository import ModelStore
from app.training.machine import processor
from app.training.timing import alternate
from benchmarks.request import photograph

LIMITS = DecodeLimits(2**26, 2**26)


@click.command()
@click.argument("sizes", metavar="WIDTHxHEIGHT…", nargs=-1)
@click.option("--rounds", default=40, show_default=True)
@click.option("--model-store", type=click.Path(path_type=Path, exists=True), default="model_store", show_default=True)
@click.option("--model", default="pets:production", show_default=True)
def main(sizes: tuple[str, ...], rounds: int, model_store: Path, model: str) -> None:
    """Print a table of medians in ms for JPEGs of the sizes."""
    loaded = load_model(ModelStore(model_store), model, load_settings(model_store=model_store))
    view, labels = loaded.view(), loaded.labels
    least = (DETAIL * view.size[0], DETAIL * view.size[1])
    columns: list[dict[str, float]] = []
    asked = sizes or ("500x375", "4000x3000")
    for width, height in (map(int, size.split("x")) for size in asked):
        data = photograph(width, height)
        whole, reduced = decode(data, LIMITS), decode(data, LIMITS, lambda size: least)
        shape = view.geometry(whole.size)
        seen = resize_image(reduced.image, shape)
        probabilities = ResizedProbabilities(infer_picture(loaded.engine, seen), shape)
        mask = class_ids(probabilities, labels)
        times = alternate(
            {
                "decode, at a reduced scale": partial(decode, data, LIMITS, lambda size: least),
                "— whole": partial(decode, data, LIMITS),
                "resize": partial(resize_image, reduced.image, shape),
                "— from the whole picture": partial(resize_image, whole.image, shape),
                "engine, all else idle": partial(infer_picture, loaded.engine, seen),
                "probabilities to classes": partial(class_ids, probabilities, labels),
                "— in one piece": partial(_in_one_piece, probabilities),
                "— with statistics, for JSON": partial(segment_mask, probabilities, labels),
                "PNG: level 1, run lengths": partial(_png, mask, 1, zlib.Z_RLE),
                "— level 1": partial(_png, mask, 1, zlib.Z_DEFAULT_STRATEGY),
                "— level 6, zlib's default": partial(_png, mask, 6, zlib.Z_DEFAULT_STRATEGY),
            },
            rounds,
        )
        columns.append({name: statistics.median(values) for name, values in times.items()})
    loaded.close()
    click.echo(f"{processor()}, Python {platform.python_version()}; {model} at {view.size[0]}×{view.size[1]}\n")
    click.echo(f"| ms | {' | '.join(asked)} |\n|---|{'---|' * len(asked)}")
    for name in columns[0]:
        click.echo(f"| {name} | {' | '.join(f'{column[name]:.1f}' for column in columns)} |")


def _in_one_piece(probabilities: ResizedProbabilities) -> None:
    """As `class_ids`, without bands."""
    restored(probabilities).argmax(axis=-1).astype(np.uint8)


def _png(mask: np.ndarray[tuple[int, int], np.dtype[np.uint8]], level: int, strategy: int) -> None:
    Image.fromarray(mask).save(io.BytesIO(), "PNG", compress_level=level, compress_type=strategy)


if __name__ == "__main__":
    main()
