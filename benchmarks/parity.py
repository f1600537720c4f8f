"""The two engines against each other on labelled pictures, from the published files."""

from pathlib import Path

import click
import numpy as np

from app.core.settings import load_settings
from app.imaging.masks import segment_mask
from app.inference.loaded import load_model
from app.store.repository import ModelStore
from app.training.dataset import read_sample
from app.training.sources.oxford import OxfordPets


@click.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--split", default="test", show_default=True)
@click.option("--model-store", type=click.Path(path_type=Path, exists=True), default="model_store", show_default=True)
@click.option("--model", default="pets:production", show_default=True)
def main(data: Path, split: str, model_store: Path, model: str) -> None:
    """Print the largest difference in probability and the share of equal mask pixels."""
    source = OxfordPets(data)
    store = ModelStore(model_store)
    engines = [load_model(store, model, load_settings(engine=name)) for name in ("tensorflow", "openvino")]
    largest, equal, pixels = 0.0, 0, 0
    samples = source.samples(split)
    for sample in samples:
        picture, _ = read_sample(source, sample)
        probabilities = [engine.predict(picture) for engine in engines]
        masks = [segment_mask(each, engines[0].labels).classes for each in probabilities]
        for (_, one), (_, other) in zip(probabilities[0].bands(), probabilities[1].bands(), strict=True):
            largest = max(largest, float(np.abs(one - other).max()))
        equal += int((masks[0] == masks[1]).sum())
        pixels += masks[0].size
    click.echo(f"{len(samples)} pictures: largest difference in probability {largest:.1e},")
    click.echo(f"equal mask pixels {equal} of {pixels} ({equal / pixels:.4%})")


if __name__ == "__main__":
    main()
