"""Names of models and aliases, and references such as `pets:3`; nothing that passes can leave its folder."""

import re
from dataclasses import dataclass

from app.core.errors import InvalidParameterError, ModelNotFoundError

NAME_PATTERN = r"[a-z0-9][a-z0-9._-]{0,63}"
VERSION_PATTERN = r"[1-9][0-9]{0,8}"
PRODUCTION = "production"
"""Alias that a reference without version means, where it exists."""

_SHOWN = 80  # characters of a client's text that a message repeats


@dataclass(frozen=True)
class Reference:
    """A model as a client names it.

    Args:
        name: a valid model name.
        selector: version number, alias, or None for the default version.
    """

    name: str
    selector: int | str | None


def parse_reference(text: str) -> Reference:
    """Reads `NAME`, `NAME:VERSION` or `NAME:ALIAS`.

    Raises:
        ModelNotFoundError: not of that form.
    """
    name, colon, selector = text.partition(":")
    if not is_name(name):
        raise ModelNotFoundError(f"no model {shown(text)}: a reference is NAME, NAME:VERSION or NAME:ALIAS")
    if not colon:
        return Reference(name, None)
    if re.fullmatch(VERSION_PATTERN, selector):
        return Reference(name, int(selector))
    if is_alias(selector):
        return Reference(name, selector)
    raise ModelNotFoundError(f"no model {shown(text)}: after the colon stands a version number or an alias")


def is_name(text: str) -> bool:
    """Whether a model may be called so: a–z, 0–9, `.`, `_`, `-`, at most 64 characters, the first one a–z or 0–9."""
    return re.fullmatch(NAME_PATTERN, text) is not None


def is_alias(text: str) -> bool:
    """Whether an alias may be called so: as a model, but never digits alone, which would read as a version."""
    return is_name(text) and not text.isdigit()


def require_name(name: str) -> None:
    """Lets valid model names pass.

    Raises:
        ModelNotFoundError: no model can have that name.
    """
    if not is_name(name):
        raise ModelNotFoundError(f"no model {shown(name)}: names are a-z, 0-9, '.', '_', '-', at most 64 characters")


def require_alias(alias: str) -> None:
    """Lets valid alias names pass.

    Raises:
        InvalidParameterError: no alias can have that name.
    """
    if not is_alias(alias):
        raise InvalidParameterError("alias", f"{shown(alias)} is no alias: a-z, 0-9, '.', '_', '-', not digits alone")


def shown(text: str) -> str:
    """The text as a message may repeat it: quoted, escaped, cut."""
    return ascii(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
