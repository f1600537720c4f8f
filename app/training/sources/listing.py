"""Which pictures there are: files by name, and a table of what is known of each."""

import csv
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from app.core.errors import DataError
from app.training.sources.samples import Sample

KINDS = "avif bmp dib gif heic heif jfif jpe jpeg jpg mpo png tif tiff webp"
PICTURE_SUFFIXES = frozenset(f".{kind}" for kind in KINDS.split())
"""What pictures are called; HEIC, too, so that the reader of pictures says why it does not read it."""

ATTRIBUTES = "samples.csv"
COLUMNS = ("source", "mask_kind", "stratum", "group")
"""Columns of that table that are read, beside `name`: fields of a sample."""

SHOWN = 5


def some(things: Iterable[object]) -> str:
    """The first of them, and how many more there are: `a, b, c, d, e and 7 more`."""
    words = list(map(str, things))
    more = len(words) - SHOWN
    return ", ".join(words[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def is_one_line(text: str) -> bool:
    """Whether text has no control characters, and no halves of characters as broken UTF-8 leaves them."""
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in text)


def suffix_hint(name: str, known: Collection[str]) -> str:
    """The end of a message about an unknown name: what it should be, where it has the suffix of a file."""
    stem, dot, _ = name.rpartition(".")
    return f"; names stand without suffix: {stem}" if dot and stem in known else ""


def files_by_name(folder: Path, suffixes: Collection[str]) -> dict[str, Path]:
    """Files below a folder, hidden ones left out, by the path from there without suffix: `day1/0007`; sorted.

    Args:
        folder: where to look.
        suffixes: lower case, with the dot.

    Raises:
        DataError: two files of one name, or a name that cannot stand in a list.
    """
    found: dict[str, Path] = {}
    problems = []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.suffix.lower() not in suffixes or any(part.startswith(".") for part in inside.parts):
            continue
        name = inside.with_suffix("").as_posix()
        if not is_one_line(name):
            problems.append(f"{str(path)!r}: control characters or broken UTF-8 in the name; rename it")
        elif name in found:
            problems.append(f"{path}: {found[name].name} has the same name but for its suffix; keep one of them")
        found[name] = path
    if problems:
        raise DataError(problems)
    return found


def with_attributes(samples: Mapping[str, Sample], path: Path) -> dict[str, Sample]:
    """Samples by name, with what a table says of them: columns `name` and any of `COLUMNS`; others are not read.

    Raises:
        DataError: as `read_table`, or it names a picture that is not there.
    """
    rows = read_table(path)
    if unknown := [name for name in rows if name not in samples]:
        raise DataError([f"{path}: no picture has the name {some(unknown)}{suffix_hint(unknown[0], samples)}"])
    told = {}
    for name, row in rows.items():
        fields = {column: row[column] for column in COLUMNS if column in row}
        told[name] = replace(samples[name], **fields)  # type: ignore[arg-type]  # all of COLUMNS are text
    return dict(samples) | told


def read_table(path: Path) -> dict[str, dict[str, str]]:
    """What a table says of each picture, by column; nothing where there is no table.

    Raises:
        DataError: it cannot be read, has no column `name`, or names a picture twice.
    """
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns = list(reader.fieldnames or ())
            rows = [{column: (row[column] or "").strip() for column in columns} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError([f"{path}: cannot be read ({error})"]) from error
    if "name" not in columns:
        raise DataError([f"{path}: no column `name` but {columns}; columns are separated by commas"])
    if twice := [name for name, count in Counter(row["name"] for row in rows).items() if count > 1]:
        raise DataError([f"{path}: two rows for {some(twice)}"])
    return {row["name"]: row for row in rows}
