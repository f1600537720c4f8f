"""The commands `models …`: what the store holds, and what may be changed about it."""

import json
import sys
from pathlib import Path

import click

from app.core.command_line import FAILED, aligned, json_option, reports_errors
from app.core.errors import ModelNotFoundError, SegserveError
from app.store.commands.options import complete_model, store_option

REFERENCE = "NAME[:VERSION|ALIAS]"
expected_option = click.option(
    "--expected", type=click.IntRange(0), help="Version that it must point at now; 0: none.  [any]"
)


@click.group()
def models() -> None:
    """Look at the models of a store, and change which version an alias means.

    Services that use the store follow within seconds.

    \b
    Examples:
      segserve models list
      segserve models activate pets:2
    """


@models.command("list")
@json_option
@store_option
@reports_errors
def list_models(as_json: bool, model_store: Path) -> None:
    """List every version of every model.

    \b
    Examples:
      segserve models list
      segserve models list --json | jq -r '.[] | select(.aliases | index("production")) | .version'

    \b
    Exit codes: 0 done, whatever was found; 1 the store cannot be read.
    """
    from app.store.commands.overview import overview, overview_rows
    from app.store.repository import ModelStore

    entries = overview(ModelStore(model_store))
    if as_json:
        click.echo(json.dumps(entries, indent=2, ensure_ascii=False))
    elif entries:
        click.echo(aligned(overview_rows(entries)))
    else:
        click.echo(f"no models in {model_store}", err=True)


@models.command()
@click.argument("model", metavar=REFERENCE, shell_complete=complete_model)
@json_option
@store_option
@reports_errors
def show(model: str, as_json: bool, model_store: Path) -> None:
    """Show what a version is, what it was made from and how good it is.

    The files are not looked at: `verify` does that.

    \b
    Examples:
      segserve models show pets
      segserve models show pets:2 --json | jq .manifest.metrics.test.mean_iou

    \b
    Exit codes: 0 done, 1 no such model, or a corrupt manifest.
    """
    from app.store.commands.overview import details, details_text
    from app.store.repository import ModelStore

    found = details(ModelStore(model_store), model)
    click.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else details_text(found))


@models.command()
@click.argument("model", metavar=REFERENCE, shell_complete=complete_model)
@click.option("--alias", default="production", show_default=True, help="The alias to point at it.")
@expected_option
@json_option
@store_option
@reports_errors
def activate(model: str, alias: str, expected: int | None, as_json: bool, model_store: Path) -> None:
    """Point an alias at a version, once every byte of it was verified.

    \b
    Examples:
      segserve models activate pets:2
      segserve models activate pets:candidate --expected 3
      segserve models activate pets:4 --alias candidate

    \b
    Exit codes: 0 done, 1 refused; the alias is as before.
    """
    from app.store.repository import ModelStore

    store = ModelStore(model_store)
    version = store.resolve(model)
    store.verify(version)
    before = store.aliases(version.name).get(alias)
    store.set_alias(version.name, alias, version.version, expected)
    if as_json:
        click.echo(json.dumps({"name": version.name, "alias": alias, "version": version.version, "previous": before}))
    else:
        was = f"it was {before}" if before else "it is new"
        click.echo(f"{version.name}:{alias} is version {version.version} now; {was}")


@models.command()
@click.argument("model", metavar="NAME:ALIAS", shell_complete=complete_model)
@expected_option
@store_option
@reports_errors
def unalias(model: str, expected: int | None, model_store: Path) -> None:
    """Take an alias away; its version stays.

    \b
    Example:
      segserve models unalias pets:candidate

    \b
    Exit codes: 0 done, 1 no such alias, or another version than expected.
    """
    from app.store.names import parse_reference
    from app.store.repository import ModelStore

    reference = parse_reference(model)
    if not isinstance(reference.selector, str):
        raise click.UsageError(f"{model}: name the alias, as in {reference.name}:candidate")
    ModelStore(model_store).remove_alias(reference.name, reference.selector, expected)


@models.command()
@click.argument("references", metavar=f"[{REFERENCE}]…", nargs=-1, shell_complete=complete_model)
@json_option
@store_option
@reports_errors
def verify(references: tuple[str, ...], as_json: bool, model_store: Path) -> None:
    """Compare every byte of versions with their checksums; of all versions if none is named.

    \b
    Examples:
      segserve models verify
      segserve models verify pets:production cells:3 --json

    \b
    Exit codes: 0 all are sound, 1 one is not, or there is none.
    """
    from app.store.commands.overview import all_references
    from app.store.repository import ModelStore

    store = ModelStore(model_store)
    asked = references or all_references(store)
    if not asked:
        raise ModelNotFoundError(f"no models in {model_store}")
    found: list[dict[str, str | None]] = []
    for reference in asked:
        problem = None
        try:
            store.verify(store.resolve(reference))
        except SegserveError as error:
            problem = error.detail
        found.append({"model": reference, "problem": problem})
        if not as_json:
            click.echo(f"{reference}: {problem or 'sound'}")
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    if any(entry["problem"] for entry in found):
        raise SystemExit(FAILED)


@models.command()
@click.argument("model", metavar="NAME:VERSION", shell_complete=complete_model)
@click.option("--yes", is_flag=True, help="Do not ask.")
@store_option
@reports_errors
def remove(model: str, yes: bool, model_store: Path) -> None:
    """Delete a version that no alias points at; its number is never used again.

    \b
    Examples:
      segserve models remove pets:1
      segserve models remove pets:1 --yes

    \b
    Exit codes: 0 done, 1 refused or not confirmed, 2 nobody to ask and no --yes.
    """
    from app.store.names import parse_reference
    from app.store.repository import ModelStore

    reference = parse_reference(model)
    if not isinstance(reference.selector, int):
        raise click.UsageError(f"{model}: name the version by its number, as in {reference.name}:1")
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("there is nobody to ask: say --yes")
        click.confirm(f"Delete {model} from {model_store} for ever?", abort=True, err=True)
    ModelStore(model_store).delete(reference.name, reference.selector)
