"""The command `train`."""

import os
from pathlib import Path

import click

from app.core.command_line import INTERRUPTED, PathOption, reports_errors
from app.store.commands.options import complete_model, store_option
from app.training.commands.options import data_option, layout_option


@click.command()
@click.argument("config", type=PathOption, required=False)
@data_option
@layout_option
@click.option(
    "--run", "folder", type=PathOption, required=True, help="PathOption of the run; started again, it goes on."
)
@click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE", help="Overrides a value of the configuration.")
@click.option(
    "--init",
    metavar="RUN|MODEL",
    help="Begin with the weights of a run, or of NAME[:VERSION|ALIAS].",
    shell_complete=complete_model,
)
@store_option
@click.option(
    "--dry-run", is_flag=True, help="Stop after 20 steps that are not kept, with a sheet to look at and the time."
)
@reports_errors
def train(
    config: Path | None,
    data: tuple[Path, ...],
    layout: str,
    folder: Path,
    overrides: tuple[str, ...],
    init: str | None,
    model_store: Path,
    dry_run: bool,
) -> None:
    """Train a network on labelled pictures.

    CONFIG is a TOML file (see configs/); what it leaves out has a default.

    \b
    Examples:
      segserve train configs/pets.toml --data pets --run runs/first
      segserve train --data pets --run runs/short --set epochs=2 --set augmentation.rotation=0
      segserve train configs/pets.toml --data pets --run runs/first --dry-run
      segserve train --data cells --run runs/cells --init pets:production --set epochs=20

    \b
    Killed at any moment, the same command goes on from the last checkpoint.
    Exit codes: 0 done, 1 wrong data or configuration, 130 interrupted.
    """
    from app.store.repository import ModelStore
    from app.training.config import load_config
    from app.training.interrupt import Interrupt
    from app.training.plots import can_plot
    from app.training.progress import ESTIMATE_AFTER, Progress
    from app.training.run import Run

    settings = load_config(config, overrides)
    if settings.too_narrow_for_onednn:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # TensorFlow reads it when it is imported
    from app.training.fit import Fit  # imports Keras: only once the configuration is in order
    from app.training.initial import canonical
    from app.training.sources.opening import open_sources

    store = ModelStore(model_store)
    if init is not None:
        settings = settings.model_copy(update={"init": canonical(init, store)})
    if not can_plot():
        click.echo(
            "matplotlib is not installed: the run will have no curves.png, its history.csv has the numbers", err=True
        )
    try:
        fit = Fit(open_sources(data, layout), settings, Run(folder), store=store)
        first = fit.state.step
        pictures = f"{len(fit.training)} pictures to train on, {len(fit.validation)} to validate on"
        click.echo(f"{pictures}; step {first} of {fit.steps}", err=True)
        for name in fit.missing_classes:
            click.echo(f"no pixel of any mask is {name}: the network will not learn it. Is that right?", err=True)
        with Interrupt() as interrupt, Progress(first, fit.steps, settings.batch_size) as progress:
            if dry_run:
                fit.try_out(progress, ESTIMATE_AFTER, lambda: interrupt.asked)
            else:
                fit.go(progress, lambda: interrupt.asked, progress.say)
    except KeyboardInterrupt:
        click.echo(
            "segserve: interrupted; the same command goes on from the last checkpoint, if there is one", err=True
        )
        raise SystemExit(INTERRUPTED) from None
    if interrupt.asked:
        kept = "a dry run keeps nothing" if dry_run else "the same command goes on from there"
        click.echo(f"segserve: interrupted at step {fit.state.step}; {kept}", err=True)
        raise SystemExit(INTERRUPTED)
    if fit.state.best is not None:
        click.echo(f"best validation mean IoU {fit.state.best:.4f}; see {folder}", err=True)
