"""The commands `train`, `evaluate` and `publish`."""

import functools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from app.core.errors import SegserveError, TrainingError
from app.core.labels import LabelMap

FAILED, INTERRUPTED = 1, 130

Folder = click.Path(path_type=Path)
data_option = click.option("--data", type=Folder, required=True, help="Folder of the labelled pictures.")


def reports_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Ends with one clear message in place of a traceback, and keeps TensorFlow quiet."""

    @functools.wraps(command)
    def wrapped(*args: Any, **options: Any) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read when TensorFlow is imported
        try:
            command(*args, **options)
        except SegserveError as error:
            click.echo(f"segserve: {error.detail}", err=True)
            raise SystemExit(FAILED) from error

    return wrapped


@click.command()
@click.argument("config", type=Folder, required=False)
@data_option
@click.option("--run", "folder", type=Folder, required=True, help="Folder of the run; started again, it goes on.")
@click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE", help="Overrides a value of the configuration.")
@click.option("--dry-run", is_flag=True, help="Stop after the first 20 steps, with a sheet to look at and the time.")
@reports_errors
def train(config: Path | None, data: Path, folder: Path, overrides: tuple[str, ...], dry_run: bool) -> None:
    """Train a network on labelled pictures.

    CONFIG is a TOML file (see configs/); what it leaves out has a default.

    \b
    Examples:
      segserve train configs/pets.toml --data pets --run runs/first
      segserve train --data pets --run runs/short --set epochs=2 --set augmentation.rotation=0
      segserve train configs/pets.toml --data pets --run runs/first --dry-run

    \b
    Killed at any moment, the same command goes on from the last checkpoint.
    Exit codes: 0 done, 1 wrong data or configuration, 130 interrupted.
    """
    from app.training.config import load_config
    from app.training.interrupt import Interrupt
    from app.training.plots import can_plot
    from app.training.progress import ESTIMATE_AFTER, Progress
    from app.training.run import Run

    settings = load_config(config, overrides)
    from app.training.fit import Fit  # imports Keras: only once the configuration is in order
    from app.training.oxford import OxfordPets

    if not can_plot():
        click.echo(
            "matplotlib is not installed: the run will have no curves.png, its history.csv has the numbers", err=True
        )
    try:
        fit = Fit(OxfordPets(data), settings, Run(folder))
        first = fit.state.step
        pictures = f"{len(fit.training)} pictures to train on, {len(fit.validation)} to validate on"
        click.echo(f"{pictures}; step {first} of {fit.steps}", err=True)
        for name in fit.missing_classes:
            click.echo(f"no pixel of any mask is {name}: the network will not learn it. Is that right?", err=True)
        with Interrupt() as interrupt, Progress(first, fit.steps, settings.batch_size) as progress:
            fit.go(progress, first + ESTIMATE_AFTER if dry_run else None, lambda: interrupt.asked)
    except KeyboardInterrupt:
        click.echo(
            "segserve: interrupted; the same command goes on from the last checkpoint, if there is one", err=True
        )
        raise SystemExit(INTERRUPTED) from None
    if interrupt.asked:
        click.echo(f"segserve: interrupted at step {fit.state.step}; the same command goes on from there", err=True)
        raise SystemExit(INTERRUPTED)
    if fit.state.history:
        click.echo(f"best validation mean IoU {fit.state.best:.4f}; see {folder}", err=True)


@click.command()
@click.argument("what", metavar="RUN|MODEL")
@data_option
@click.option("--split", default="test", show_default=True, help="List of pictures; `validation`: those of the run.")
@click.option("--size", type=int, help="Side of the network's input (of a run only).  [as in training]")
@click.option("--last", is_flag=True, help="The network at the end of the run, not the one that validated best.")
@click.option("--model-store", type=Folder, default="model_store", show_default=True, help="Where models are.")
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
    from app.training.oxford import OxfordPets
    from app.training.publish import validation_samples
    from app.training.run import Run
    from app.training.scoring import score_split, table

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


@click.command()
@click.argument("folder", metavar="RUN", type=Folder)
@data_option
@click.option("--name", required=True, help="Name of the model.")
@click.option("--size", type=int, help="Side of the network's input when serving.  [as in training]")
@click.option("--last", is_flag=True, help="The network at the end of the run, not the one that validated best.")
@click.option("--alias", help="Point this alias at the new version, for example `production`.")
@click.option("--model-store", type=Folder, default="model_store", show_default=True, help="Where to.")
@reports_errors
def publish(
    folder: Path, data: Path, name: str, size: int | None, last: bool, alias: str | None, model_store: Path
) -> None:
    """Put the network of a run into the model store, checked and scored.

    \b
    Example:
      segserve publish runs/first --data pets --name pets --size 192 --alias production
    """
    from app.store.names import require_alias, require_name
    from app.store.repository import ModelStore
    from app.training.export import has_openvino
    from app.training.oxford import OxfordPets
    from app.training.publish import publish_run
    from app.training.run import Run

    require_name(name)
    if alias is not None:
        require_alias(alias)
    if not has_openvino():
        click.echo("OpenVINO is not installed: the version will have no files for its engine", err=True)
    store = ModelStore(model_store)
    published = publish_run(Run(folder), OxfordPets(data), store, name, size, last)
    version = published.version
    if alias:
        store.set_alias(name, alias, version.version)
    click.echo(f"{name}:{version.version}  {version.path}")
