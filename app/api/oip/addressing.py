"""Which model a path means: its name, and a version or an alias where one stands."""

from typing import Annotated

from fastapi import Path

from app.api.state import State
from app.store.names import parse_reference

ModelName = Annotated[
    str,
    Path(max_length=200, examples=["pets"], description="Of a model of the store; NAME:VERSION and NAME:ALIAS, too."),
]
Version = Annotated[str, Path(max_length=64, examples=["3"], description="Number or alias.")]


def reference_of(service: State, name: str, version: str | None) -> str | None:
    """What a path means, as `State.using` takes it.

    Without a version, the name of the default model means the version that answers by default.
    """
    if version is not None:
        return f"{name}:{version}"
    return None if name == parse_reference(service.settings.model).name else name
