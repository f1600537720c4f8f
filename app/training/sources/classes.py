"""The classes of one's own data: names, colours, roles, and the file `classes.toml` that says them."""

import difflib
import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from app.core.errors import DataError
from app.core.labels import RGB, UNDECIDED, Label, LabelMap, Role
from app.training.config import StrictModel
from app.training.sources.codes import PixelCodes
from app.training.sources.listing import is_one_line, some
from app.training.sources.masks import VALUES
from app.training.sources.palette import BACKGROUND, distinct_colours

CLASSES = "classes.toml"
LONGEST_NAME = 100


def class_name(text: object) -> str:
    """A name without space around it.

    Raises:
        ValueError: nothing that could stand in a list, a table or a file.
    """
    name = text.strip() if isinstance(text, str) else ""
    if not name or len(name) > LONGEST_NAME or not is_one_line(name):
        raise ValueError(f"{text!r}: the name of a class is a line of 1 to {LONGEST_NAME} characters")
    return name


def _colour(text: object) -> RGB:
    if not isinstance(text, str) or not re.fullmatch("#[0-9a-fA-F]{6}", text):
        raise ValueError(f'{text!r}: a colour is written "#rrggbb"')
    red, green, blue = bytes.fromhex(text[1:])
    return red, green, blue


def _several(value: object) -> object:
    return value if isinstance(value, list) else [value]


Colour = Annotated[RGB, BeforeValidator(_colour)]
Value = Annotated[int, Field(strict=True, ge=0, lt=VALUES)]


class ClassEntry(StrictModel):
    """A class in `classes.toml`.

    Args:
        name: unique.
        colour: what it is shown in; None: one that is far from the others.
        value: grey values or palette indices of its pixels in the masks; empty: its position, from 0.
        mask_colour: colours of its pixels in the masks; empty: `colour`.
        role: what it means for a cutout.
    """

    name: Annotated[str, AfterValidator(class_name)]
    colour: Colour | None = None
    value: Annotated[tuple[Value, ...], BeforeValidator(_several)] = ()
    mask_colour: Annotated[tuple[Colour, ...], BeforeValidator(_several)] = ()
    role: Role | None = None


class ClassesFile(StrictModel):
    """What `classes.toml` says.

    Args:
        classes: in the order of their ids.
        ignore: values, and colours "#rrggbb", of pixels that count for nothing.
    """

    classes: tuple[ClassEntry, ...]
    ignore: tuple[Value | Colour, ...] = ()


@dataclass(frozen=True)
class Classes:
    """The classes, and what their pixels are in the masks."""

    labels: LabelMap
    codes: PixelCodes


def read_classes(path: Path) -> Classes:
    """Reads `classes.toml`.

    Raises:
        DataError: it cannot be read, or says what cannot be; all of it.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8-sig"))
        read = ClassesFile.model_validate(content)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise DataError([f"{path}: cannot be read ({error})"]) from error
    except ValidationError as error:
        raise DataError([f"{path}: {_explained(item['loc'], item['msg'])}" for item in error.errors()]) from error
    labels = label_map([Named(entry.name, entry.colour, entry.role) for entry in read.classes], path)
    return Classes(labels, _codes(read, path))


@dataclass(frozen=True)
class Named:
    """A class that has no id yet, and perhaps no colour."""

    name: str
    colour: RGB | None = None
    role: Role | None = None


def label_map(classes: Sequence[Named], path: Path) -> LabelMap:
    """Classes with ids in their order, and colours where they have none.

    Args:
        classes: at least 2, at most 255.
        path: the file that says them, for messages.

    Raises:
        DataError: too few, too many, or two of one name.
    """
    if twice := [name for name, count in Counter(named.name for named in classes).items() if count > 1]:
        raise DataError([f"{path}: two classes have the name {some(twice)}"])
    taken = {named.colour for named in classes if named.colour is not None}
    colours = iter(distinct_colours(len(classes) - len(taken), taken | {BACKGROUND}))
    labels = []
    for number, named in enumerate(classes):
        free = BACKGROUND if named.role == "background" and BACKGROUND not in taken else None
        colour = named.colour or free or next(colours)
        taken.add(colour)
        labels.append(Label(number, named.name, colour, named.role))
    try:
        return LabelMap(tuple(labels))
    except ValueError as error:
        names = some(label.name for label in labels)
        raise DataError([f"{path}: {error}; the classes are {names or 'none'}"]) from error


def _codes(read: ClassesFile, path: Path) -> PixelCodes:
    """Values and colours of pixels by class."""
    values = [(value, UNDECIDED) for value in read.ignore if isinstance(value, int)]
    colours = [(colour, UNDECIDED) for colour in read.ignore if not isinstance(colour, int)]
    for number, entry in enumerate(read.classes):
        values += [(value, number) for value in entry.value or (number,)]
        colours += [(colour, number) for colour in entry.mask_colour or ((entry.colour,) if entry.colour else ())]
    twice = [str(value) for value, count in Counter(value for value, _ in values).items() if count > 1]
    twice += [f"#{bytes(c).hex()}" for c, count in Counter(colour for colour, _ in colours).items() if count > 1]
    if twice:
        raise DataError([f"{path}: {', '.join(twice)} stands for two classes, or for one and is ignored"])
    by_colour = any(entry.mask_colour for entry in read.classes) and not any(entry.value for entry in read.classes)
    remedy = f"{path} says what values and colours stand for: add it to a class, or to `ignore`"
    return PixelCodes(dict(values), dict(colours), "colours" if by_colour else "values", remedy)


def _explained(place: tuple[int | str, ...], message: str) -> str:
    """A line for one problem that pydantic found."""
    where = ".".join(str(part + 1) if isinstance(part, int) else part for part in place) or "file"
    model = ClassEntry if place[:1] == ("classes",) and len(place) > 1 else ClassesFile
    if similar := difflib.get_close_matches(str(place[-1]), model.model_fields, n=1):
        message += f"; did you mean {similar[0]}?" if similar[0] != place[-1] else ""
    return f"{where}: {message.removeprefix('Value error, ')}"
