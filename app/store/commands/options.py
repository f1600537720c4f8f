"""What commands that name a model share: where the store is, and how a shell completes its models."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.core.command_line import PathOption
from app.core.errors import SegserveError

if TYPE_CHECKING:
    from app.store.repository import ModelStore

STORE = "model_store"
STORE_VARIABLE = "SEGSERVE_MODEL_STORE"

store_option = click.option(
    "--model-store",
    type=PathOption,
    default=STORE,
    envvar=STORE_VARIABLE,
    show_default=True,
    help=f"Folder of the models; the variable {STORE_VARIABLE} says the same.",
)


def complete_model(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """References that begin so, for a shell; none where the store cannot be read."""
    from app.store.repository import ModelStore

    root = context.params.get("model_store") or os.environ.get(STORE_VARIABLE) or STORE
    try:
        return [reference for reference in _references(ModelStore(Path(root))) if reference.startswith(incomplete)]
    except SegserveError:
        return []


def _references(store: "ModelStore") -> list[str]:
    found = []
    for name in store.names():
        found += [name, *(f"{name}:{alias}" for alias in store.aliases(name))]
        found += [f"{name}:{version}" for version in store.versions(name)]
    return found
