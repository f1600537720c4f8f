"""The command `evaluate`."""

import json
from pathlib import Path
from typing import Any

import click

from app.core.errors import TrainingError
from app.core.labels import LabelMap
from app.training.commands.options import data_option, reports_errors, store_option


@click.command()
@click.argument("what", metavar="RUN|MODEL")
@data_option
@click.option("--split", default="test", show_default=True, help="List of pictures; `validation`: those of the run.")
@click.option("--size", type=int, help="Side of the network's input (of a run only).  [as in training]")
@click.option("--last", is_flag=True, help="The network at the end of the run, not the one that validated best.")
@store_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@reports_errors
def evaluate(what: str, data: Path, split: str, size: int | None, last: bool, model_store: Path, as_json: bool) -> None:
    """Score a trained network on labelled pictures, with and without flip averaging.

    Each mask is scored at its own size; IoU is summed over the data set.

    \b
    Examples:
      segserve evaluate runs/first --data pets --split validation --size 192
      segserve evaluate pets:production --data pets --json
    """
    from app.training.evaluation.scoring import score_split, table
    from app.training.publish import validation_samples
    from app.training.run import Run
    from app.training.sources.oxford import OxfordPets

    source = OxfordPets(data)
    if Path(what).is_dir():
        run = Run(Path(what))
        config = run.config()
        predict, sides = _network_of(run, size, last, len(source.labels))
        rule = config.resize
        samples = validation_samples(run, source) if split == "validation" else source.samples(split)
    else:
        if "/" in what:
            raise TrainingError(f"{what}: there is no folder of a run; a model is NAME, NAME:VERSION or NAME:ALIAS")
        if size or last:
            raise TrainingError("--size and --last are for runs; a published model has its own size")
        predict, sides, rule = _model(what, model_store, source.labels)
        samples = source.samples(split)
    metrics = score_split(predict, source, samples, sides, rule).by_mask_kind(split, source.labels)
    if as_json:
        click.echo(json.dumps({name: scores.model_dump() for name, scores in metrics.items()}, indent=2))
    else:
        click.echo(table(metrics))


def _network_of(run: Any, size: int | None, last: bool, classes: int) -> tuple[Any, tuple[int, int]]:
    from app.nn.rewrite import inference_graph
    from app.training.export import load_network

    try:
        architecture = run.config().architecture(classes, size)
    except ValueError as error:
        raise TrainingError(str(error)) from error
    network = load_network(run.last_network if last else run.best_network, architecture)
    return inference_graph(network, architecture).predict_on_batch, architecture.input_size


def _model(reference: str, model_store: Path, labels: LabelMap) -> tuple[Any, tuple[int, int], Any]:
    from app.core.settings import load_settings
    from app.inference.loaded import load_model
    from app.store.repository import ModelStore

    loaded = load_model(ModelStore(model_store), reference, load_settings(model_store=model_store))
    ours, theirs = ([label.name for label in classes] for classes in (loaded.labels, labels))
    if ours != theirs:
        raise TrainingError(f"{reference} has the classes {', '.join(ours)}, the data has {', '.join(theirs)}")
    preprocessing = loaded.manifest.preprocessing
    return loaded.engine.infer, preprocessing.size, preprocessing.resize
