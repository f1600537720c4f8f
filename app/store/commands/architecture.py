"""The command `architecture`."""

from pathlib import Path

import click

from app.core.command_line import reports_errors
from app.store.commands.options import complete_model, store_option

FORMATS = ("text", "json", "mermaid")


@click.command()
@click.argument("model", metavar="NAME[:VERSION|ALIAS]", shell_complete=complete_model)
@click.option("--format", "wanted", type=click.Choice(FORMATS), default="text", show_default=True, help="How.")
@click.option("--json", "wanted", flag_value="json", help="As --format json.")
@store_option
@reports_errors
def architecture(model: str, wanted: str, model_store: Path) -> None:
    """Explain the network of a published model.

    Every layer with shapes, parameters, multiply-accumulates and receptive field, as a table, as JSON, or as a flow
    chart. It is read from the store, after its checksums were compared; no engine is loaded.

    \b
    Examples:
      segserve architecture pets
      segserve architecture pets:2 --json | jq .totals
      segserve architecture pets:production --format mermaid > pets.mmd

    \b
    Exit codes: 0 done, 1 no such model, or a corrupt one.
    """
    from app.core.architecture import ARCHITECTURE, ArchitectureSummary
    from app.store.faults import store_access
    from app.store.repository import ModelStore

    store = ModelStore(model_store)
    version = store.resolve(model)
    store.verify(version)
    with store_access(str(version)):
        content = (version.path / ARCHITECTURE).read_bytes()
    summary = ArchitectureSummary.from_json(content, f"{version}/{ARCHITECTURE}")
    written = {"text": summary.to_text, "json": summary.to_json, "mermaid": summary.to_mermaid}[wanted]
    click.echo(written(), nl=False)
