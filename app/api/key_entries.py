"""API keys as they are written down in TOML: by name, with the hash of the key in place of the key."""

import hashlib
import json
import secrets
import tomllib
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from app.core.errors import ConfigurationError
from app.core.records import Record, problems

Scope = Literal["segment", "admin", "metrics"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""Of a key: what TOML takes without quotes."""

KEY_BYTES = 32
"""Of chance in a key: nobody finds it by trying, so its hash needs neither salt nor slowness."""


class KeyEntry(Record):
    """What is written down of a key.

    Args:
        sha256: of the key, hexadecimal.
        scopes: what it is for.
        requests_per_second: how many it may make in the long run; None: any number.
        burst: how many of them at once; None: those of a second.
        pixels_per_second: how many its pictures may have in the long run; None: any number.
    """

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    scopes: tuple[Scope, ...] = Field(min_length=1, strict=False)  # TOML has lists
    requests_per_second: float | None = Field(None, ge=1e-6, le=1e6)
    burst: int | None = Field(None, ge=1, le=1_000_000)
    pixels_per_second: float | None = Field(None, ge=1, le=1e12)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.burst is not None and self.requests_per_second is None:
            raise ValueError("burst goes with requests_per_second only")
        return self


_ENTRIES = TypeAdapter(dict[Name, KeyEntry])


def new_key() -> str:
    """A key that nobody has had before."""
    return secrets.token_urlsafe(KEY_BYTES)


def digest(key: bytes) -> str:
    """What is written down in place of a key."""
    return hashlib.sha256(key).hexdigest()


def checked_entries(table: Mapping[str, object], source: str) -> dict[str, KeyEntry]:
    """Entries by name.

    Args:
        table: the fields of each.
        source: where they stand, for messages.

    Raises:
        ConfigurationError: there is none, or a field is wrong; it says which of which key.
    """
    try:
        entries = _ENTRIES.validate_python(table)
    except ValidationError as error:
        raise ConfigurationError(f"{source}: {problems(error)}") from error
    if not entries:
        raise ConfigurationError(f"{source}: there is no key in it")
    return entries


def parse_entries(text: bytes | str, source: str) -> dict[str, KeyEntry]:
    """Entries by name, from TOML.

    Raises:
        ConfigurationError: it is not TOML, or as `checked_entries`.
    """
    try:
        table = tomllib.loads(text if isinstance(text, str) else text.decode())
    except (ValueError, RecursionError) as error:  # no UTF-8, no TOML, or brackets without end
        raise ConfigurationError(f"{source}: {error}") from error
    return checked_entries(table, source)


def entry_text(name: str, entry: KeyEntry) -> str:
    """An entry in TOML."""
    fields = entry.model_dump(exclude_none=True).items()
    return "".join([f"[{name}]\n", *(f"{field} = {json.dumps(value)}\n" for field, value in fields)])
