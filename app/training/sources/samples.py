"""Labelled pictures: what a data source has to offer."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from app.core.labels import LabelMap

Array = np.ndarray[Any, np.dtype[Any]]

TRAINVAL, VALIDATION, TEST = LISTS = ("trainval", "validation", "test")
"""Lists with a meaning: what is trained on (and, without the second, validated on, too); no two share a picture."""


@dataclass(frozen=True)
class Sample:
    """One labelled picture.

    Args:
        name: unique in its data set.
        picture: file of the picture.
        mask: file of the mask, or the file of annotations that holds it.
        source: where picture and mask come from; sampling shares go by it, scores are given by it.
        mask_kind: how the mask was made.
        stratum: what the validation split must hold the same share of, such as species and breed.
        group: what must not be on two sides of a split, such as an animal, a patient or a video.
    """

    name: str
    picture: Path
    mask: Path
    source: str = ""
    mask_kind: str = ""
    stratum: str = ""
    group: str = ""

    def matches(self, pattern: str) -> bool:
        """Whether SOURCE, or SOURCE/MASK-KIND/STRATUM, is of a pattern with `*` and `?`: `feral`, `oxford/*/2 *`."""
        return fnmatchcase(self.source, pattern) or fnmatchcase(
            f"{self.source}/{self.mask_kind}/{self.stratum}", pattern
        )


@dataclass(frozen=True)
class Credit:
    """Whom a data set is owed to."""

    name: str
    authors: str
    licence: str


class DataSource(Protocol):
    """A folder of labelled pictures in some layout."""

    @property
    def labels(self) -> LabelMap:
        """The classes."""

    @property
    def credits(self) -> tuple[Credit, ...]:
        """Whom the data is owed to."""

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the lists of pictures that there are, such as `trainval` and `test`."""

    def samples(self, split: str) -> list[Sample]:
        """The pictures of a split, in a fixed order.

        Raises:
            DataError: no such split, or a broken list.
        """

    def mask(self, sample: Sample) -> Array:
        """Class ids or 255, (H, W) uint8.

        Raises:
            DataError: a file that cannot be read, values outside of the classes, or no labelled pixel.
        """


class DataFolder(DataSource, Protocol):
    """A data source that is one folder, whose lists can be written.

    Args:
        root: the folder.
    """

    root: Path

    def everything(self) -> list[Sample]:
        """All pictures and masks, on a list or not; where one of the two is missing, its path leads nowhere.

        Raises:
            DataError: files or tables that do not go together.
        """

    def list_path(self, split: str) -> Path:
        """Where the list of a split is, or is to be written.

        Raises:
            DataError: the splits of this data set are not lists.
        """

    def list_line(self, sample: Sample) -> str:
        """What stands for a picture on a list."""


def labelled_for_training(source: DataSource) -> list[Sample]:
    """All pictures that a run may train or validate on."""
    lists = [split for split in (TRAINVAL, VALIDATION) if split in source.splits]
    return [sample for split in lists for sample in source.samples(split)]
