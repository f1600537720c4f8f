"""The command `publish`."""

import json
from pathlib import Path

import click

from app.core.command_line import PathOption, json_option, reports_errors
from app.store.commands.options import store_option
from app.training.commands.options import data_option, layout_option


@click.command()
@click.argument("folder", metavar="RUN", type=PathOption)
@data_option
@layout_option
@click.option("--name", required=True, help="Name of the model.")
@click.option("--size", type=int, help="Side of the network's input when serving.  [as in training]")
@click.option("--last", is_flag=True, help="The network at the end of the run, not the one that validated best.")
@click.option(
    "--temperature",
    type=click.FloatRange(0.25, 4),
    help="Divide the logits by it.  [what suits the validation pictures best; 1 without such pictures]",
)
@click.option("--alias", help="Point this alias at the new version, for example `production`.")
@json_option
@store_option
@reports_errors
def publish(
    folder: Path,
    data: tuple[Path, ...],
    layout: str,
    name: str,
    size: int | None,
    last: bool,
    temperature: float | None,
    alias: str | None,
    as_json: bool,
    model_store: Path,
) -> None:
    """Put the network of a run into the model store, checked and scored.

    \b
    Examples:
      segserve publish runs/first --data pets --name pets --size 192 --alias production
      segserve publish runs/first --data pets --name pets --json | jq .version

    \b
    Exit codes: 0 done, 1 refused, or wrong data.
    """
    from app.store.names import require_alias, require_name
    from app.store.repository import ModelStore
    from app.training.evaluation.scoring import table
    from app.training.export import has_openvino
    from app.training.publish import publish_run
    from app.training.run import Run
    from app.training.sources.opening import open_sources

    require_name(name)
    if alias is not None:
        require_alias(alias)
    if not has_openvino():
        click.echo("OpenVINO is not installed: the version will have no files for its engine", err=True)
    store = ModelStore(model_store)
    published = publish_run(Run(folder), open_sources(data, layout), store, name, size, last, temperature)
    version = published.version
    if alias:
        store.set_alias(name, alias, version.version)
    if as_json:
        scores = {split: entry.model_dump() for split, entry in published.metrics.items()}
        found = {"name": name, "version": version.version, "path": str(version.path), "metrics": scores}
        click.echo(json.dumps(found, indent=2))
        return
    if published.metrics:
        click.echo(table(published.metrics), err=True)
    click.echo(f"{name}:{version.version}  {version.path}")
