"""Pascal VOC's classes, and the file `labelmap.txt` in which CVAT writes others."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from app.core.errors import DataError
from app.core.labels import RGB
from app.training.sources.classes import Named, class_name
from app.training.sources.listing import some

LABEL_MAP = "labelmap.txt"

VOID: RGB = (224, 224, 192)
"""Colour of pixels that count for nothing; their index is 255."""
VOID_NAMES = ("void", "ignore", "ignored")

FORM = "NAME:RED,GREEN,BLUE:parts:actions"


@dataclass(frozen=True)
class VocClasses:
    """Classes in the order of their ids, all with a colour, and the colours of what counts for nothing."""

    named: tuple[Named, ...]
    void: frozenset[RGB] = frozenset((VOID,))


def pascal_colour(index: int) -> RGB:
    """Colour of an index in Pascal's palette: its bits go to red, green and blue in turn, the highest bit first."""
    colour = [0, 0, 0]
    for bit in range(8):
        colour[bit % 3] |= (index >> bit & 1) << (7 - bit // 3)
    return colour[0], colour[1], colour[2]


def _named(name: str, colour: RGB) -> Named:
    return Named(name, colour, "background" if name.lower() == "background" else "foreground")


PASCAL_NAMES = (
    "background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person "
    "pottedplant sheep sofa train tvmonitor"
)
PASCAL = VocClasses(tuple(_named(name, pascal_colour(index)) for index, name in enumerate(PASCAL_NAMES.split())))


def read_label_map(path: Path) -> VocClasses:
    """Reads `labelmap.txt`: a class a line, those called void or ignored apart.

    Raises:
        DataError: it cannot be read, or has lines that say no class, or two classes of one colour.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError([f"{path}: cannot be read ({error})"]) from error
    named, void, problems = [], {VOID}, []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            name, colour = _parsed(line)
        except ValueError as error:
            problems.append(f"{path}: line {number}: {error}; a line is {FORM}")
            continue
        if name.lower() in VOID_NAMES:
            void.add(colour)
        else:
            named.append(_named(name, colour))
    if twice := [colour for colour, count in Counter(entry.colour for entry in named).items() if count > 1]:
        problems.append(f"{path}: two classes have the colour {some(twice)}")
    if problems:
        raise DataError(problems)
    return VocClasses(tuple(named), frozenset(void))


def _parsed(line: str) -> tuple[str, RGB]:
    name, *rest = line.rsplit(":", 3)
    numbers = rest[0].split(",") if rest else []
    values = [int(number) for number in numbers if number.strip().isdecimal()]
    if len(numbers) != 3 or len(values) != 3 or max(values) > 255:
        raise ValueError("no colour")
    return class_name(name), (values[0], values[1], values[2])
