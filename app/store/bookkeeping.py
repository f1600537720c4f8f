"""The two small files beside a model's versions: its aliases, and the highest number it ever gave.

Everything here that writes is called under the model's lock (`app.store.lock`).
"""

import json
import re
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from app.core.errors import StoreUnavailableError
from app.store.durable import write_atomically
from app.store.names import VERSION_PATTERN, is_alias

ALIASES = "aliases.json"
HISTORY = "history.json"
MAX_BYTES = 1_000_000

_ALIASES = TypeAdapter(dict[str, str])
_HISTORY = TypeAdapter(dict[str, int])
_HIGHEST = "highest"


def read_aliases(folder: Path) -> dict[str, int]:
    """Version by alias; empty where there is no file.

    Raises:
        StoreUnavailableError: the file is torn or holds something else.
        OSError: it cannot be read.
    """
    data = _read(folder / ALIASES)
    if data is None:
        return {}
    try:
        aliases = _ALIASES.validate_json(data, strict=True)
    except ValidationError as error:
        raise _invalid(folder, ALIASES, "delete it and set the aliases again") from error
    if not all(is_alias(alias) and re.fullmatch(VERSION_PATTERN, version) for alias, version in aliases.items()):
        raise _invalid(folder, ALIASES, "delete it and set the aliases again")
    return {alias: int(version) for alias, version in aliases.items()}


def write_aliases(folder: Path, aliases: dict[str, int]) -> None:
    """Replaces the aliases in one step.

    Raises:
        OSError: the file could not be written; the old one is still there.
    """
    written = {alias: str(version) for alias, version in sorted(aliases.items())}
    write_atomically(folder / ALIASES, json.dumps(written, indent=2).encode() + b"\n")


def next_number(folder: Path) -> int:
    """A number that no version ever had; given away with this call, whatever becomes of it.

    Raises:
        StoreUnavailableError: the history is torn.
        OSError: it could not be written.
    """
    number = _highest(folder) + 1
    _write_highest(folder, number)
    return number


def remember_numbers(folder: Path) -> None:
    """Writes down the highest number so far, so that it is not given again once its version is deleted.

    Raises:
        StoreUnavailableError: the history is torn.
        OSError: it could not be written.
    """
    _write_highest(folder, _highest(folder))


def _highest(folder: Path) -> int:
    present = [int(path.name) for path in folder.iterdir() if re.fullmatch(VERSION_PATTERN, path.name)]
    data = _read(folder / HISTORY)
    if data is None:
        return max(present, default=0)
    try:
        return max([*present, _HISTORY.validate_json(data, strict=True)[_HIGHEST]])
    except (ValidationError, KeyError) as error:
        remedy = f'write {{"{_HIGHEST}": N}} into it, N being the highest number ever published'
        raise _invalid(folder, HISTORY, remedy) from error


def _write_highest(folder: Path, number: int) -> None:
    write_atomically(folder / HISTORY, json.dumps({_HIGHEST: number}).encode() + b"\n")


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
            return data if len(data) <= MAX_BYTES else b""  # too large is as good as torn
    except (FileNotFoundError, NotADirectoryError):
        return None


def _invalid(folder: Path, name: str, remedy: str) -> StoreUnavailableError:
    return StoreUnavailableError(f"model store, {folder.name}/{name} is not valid: {remedy}")
