"""How many pictures of which sizes there are, and how much of each class."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.core.labels import LabelMap
from app.training.checking.inspection import Inspection

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Range:
    """Least, median and largest of some numbers."""

    minimum: float
    median: float
    maximum: float

    @classmethod
    def of(cls, values: Array) -> "Range":
        """Of at least one number."""
        return cls(float(values.min()), float(np.median(values)), float(values.max()))


@dataclass(frozen=True)
class ClassShare:
    """How much there is of a class.

    Args:
        pixels: share of the pixels that are of any class, 0–1; 0 where there are none.
        pictures: number of pictures that contain it.
    """

    pixels: float
    pictures: int


@dataclass(frozen=True)
class Summary:
    """Some pictures in numbers; ranges and shares are of those that could be read.

    Args:
        pictures: how many there are.
        usable: how many of them have a picture and a mask that training could take.
        width: of the pictures, pixels; None where none could be read.
        height: likewise.
        aspect: width divided by height.
        classes: by name.
        undecided: share of all pixels that are of no class, 0–1.
    """

    pictures: int
    usable: int
    width: Range | None
    height: Range | None
    aspect: Range | None
    classes: dict[str, ClassShare]
    undecided: float


def summarise(inspections: Sequence[Inspection], labels: LabelMap) -> Summary:
    """The summary of any number of pictures."""
    sizes = np.array([i.picture.size for i in inspections if i.picture], float).reshape(-1, 2)
    heights, widths = sizes.T
    counted = [i.pixels for i in inspections if i.pixels is not None]
    counts = np.array(counted, np.int64).reshape(-1, len(labels))  # (N, C)
    undecided = sum(i.undecided for i in inspections)
    shares = counts.sum(axis=0) / max(1, counts.sum())
    present = np.count_nonzero(counts, axis=0)
    return Summary(
        pictures=len(inspections),
        usable=len(counts),
        width=Range.of(widths) if len(sizes) else None,
        height=Range.of(heights) if len(sizes) else None,
        aspect=Range.of(widths / heights) if len(sizes) else None,
        classes={label.name: ClassShare(float(shares[label.id]), int(present[label.id])) for label in labels},
        undecided=undecided / max(1, undecided + int(counts.sum())),
    )
