"""The command `quantize`."""

from pathlib import Path

import click

from app.training.commands.options import data_option, layout_option, reports_errors, store_option


@click.command()
@click.argument("model", metavar="NAME[:VERSION|ALIAS]")
@data_option
@layout_option
@click.option("--name", help="Name of the model to publish under.  [the same]")
@click.option("--alias", help="Point this alias at the new version.")
@store_option
@reports_errors
def quantize(
    model: str, data: tuple[Path, ...], layout: str, name: str | None, alias: str | None, model_store: Path
) -> None:
    """Make an int8 version of a published one, for the OpenVINO engine: faster on CPUs with VNNI.

    Refused when the mean IoU falls by more than .005 on the list `validation`, or on training pictures where the data
    has none.

    \b
    Example:
      segserve quantize pets:production --data pets --alias int8
    """
    from app.store.names import require_alias, require_name
    from app.store.repository import ModelStore
    from app.training.evaluation.scoring import table
    from app.training.quantize import quantise_version
    from app.training.sources.opening import open_sources

    if name is not None:
        require_name(name)
    if alias is not None:
        require_alias(alias)
    store = ModelStore(model_store)
    made = quantise_version(model, open_sources(data, layout), store, name)
    version = made.version
    if alias:
        store.set_alias(version.name, alias, version.version)
    click.echo(f"mean IoU {made.float32:.4f} in float32, {made.int8:.4f} in int8", err=True)
    if made.metrics:
        click.echo(table(made.metrics), err=True)
    click.echo(f"{version.name}:{version.version}  {version.path}")
