"""Classes of a model: their ids, names, colours and roles."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from app.core.errors import InvalidParameterError

Role = Literal["foreground", "background", "border"]
RGB = tuple[int, int, int]

UNDECIDED = 255
"""Value of mask pixels that belong to no requested or no certain enough class; never a class id."""


@dataclass(frozen=True)
class Label:
    """One class.

    Args:
        id: value of its pixels in a mask, 0–254.
        name: unique name.
        colour: RGB, 0–255 each.
        role: what the class means for a cutout, or None.
    """

    id: int
    name: str
    colour: RGB
    role: Role | None = None


@dataclass(frozen=True)
class LabelMap:
    """The classes of a model, in order of their ids, which are 0 … n − 1.

    Raises:
        ValueError: ids with gaps, fewer than 2 or more than 255 classes, or a name used twice.
    """

    labels: tuple[Label, ...]

    def __post_init__(self) -> None:
        if not 2 <= len(self.labels) <= UNDECIDED:
            raise ValueError(f"a label map has 2 to {UNDECIDED} classes, not {len(self.labels)}")
        if [label.id for label in self.labels] != list(range(len(self.labels))):
            raise ValueError("class ids must be 0, 1, 2, … in order")
        if len({label.name for label in self.labels}) != len(self.labels):
            raise ValueError("class names must be unique")

    def __iter__(self) -> Iterator[Label]:
        return iter(self.labels)

    def __len__(self) -> int:
        return len(self.labels)

    def named(self, name: str) -> Label:
        """The class of that name.

        Raises:
            InvalidParameterError: there is none; the message lists those there are.
        """
        for label in self.labels:
            if label.name == name:
                return label
        known = ", ".join(label.name for label in self.labels)
        raise InvalidParameterError("classes", f"no class {name!r}; this model has {known}")

    def listed(self, text: str) -> tuple[str, ...]:
        """Names from a list that commas separate; where a name holds commas, too, the longest one that fits is taken.

        A name that no class has is passed as it is; there may be spaces around commas.
        """
        parts = [part.strip() for part in text.split(",")]
        known = {tuple(part.strip() for part in label.name.split(",")): label.name for label in self.labels}
        longest = max(map(len, known))
        names: list[str] = []
        first = 0
        while first < len(parts):
            ends = range(first + longest, first, -1)
            end = next((end for end in ends if tuple(parts[first:end]) in known), first + 1)
            names.append(known.get(tuple(parts[first:end]), parts[first]))
            first = end
        return tuple(names)

    def ids(self, role: Role) -> tuple[int, ...]:
        """Ids of the classes with that role."""
        return tuple(label.id for label in self.labels if label.role == role)
