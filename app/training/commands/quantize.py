"""The command `quantize`."""

import json
from pathlib import Path

import click

from app.core.command_line import json_option, reports_errors
from app.store.commands.options import complete_model, store_option
from app.training.commands.options import data_option, layout_option


@click.command()
@click.argument("model", metavar="NAME[:VERSION|ALIAS]", shell_complete=complete_model)
@data_option
@layout_option
@click.option("--name", help="Name of the model to publish under.  [the same]")
@click.option("--alias", help="Point this alias at the new version.")
@json_option
@store_option
@reports_errors
def quantize(
    model: str,
    data: tuple[Path, ...],
    layout: str,
    name: str | None,
    alias: str | None,
    as_json: bool,
    model_store: Path,
) -> None:
    """Make an int8 version of a published one, for the OpenVINO engine: faster on CPUs with VNNI.

    Refused when the mean IoU falls by more than .005 on the list `validation`, or on training pictures where the data
    has none.

    \b
    Examples:
      segserve quantize pets:production --data pets --alias int8
      segserve quantize cells:3 --data cells --name cells-int8 --json | jq .int8

    \b
    Exit codes: 0 done, 1 refused, or wrong data.
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
    if as_json:
        scores = {split: entry.model_dump() for split, entry in made.metrics.items()}
        found = {"name": version.name, "version": version.version, "path": str(version.path)}
        click.echo(json.dumps({**found, "float32": made.float32, "int8": made.int8, "metrics": scores}, indent=2))
        return
    click.echo(f"mean IoU {made.float32:.4f} in float32, {made.int8:.4f} in int8", err=True)
    if made.metrics:
        click.echo(table(made.metrics), err=True)
    click.echo(f"{version.name}:{version.version}  {version.path}")
