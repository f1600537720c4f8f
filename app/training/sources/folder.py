"""Pictures in `images/`, masks of the same names in `masks/`, and `classes.toml`, which says what the masks mean."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from app.core.errors import DataError
from app.core.labels import LabelMap
from app.training.sources.classes import CLASSES, read_classes
from app.training.sources.codes import read_mask
from app.training.sources.listed import ListedFolder
from app.training.sources.listing import ATTRIBUTES, PICTURE_SUFFIXES, files_by_name, some, with_attributes
from app.training.sources.masks import MASK_SUFFIXES
from app.training.sources.samples import Sample
from app.training.sources.splits import Splits, lists_in, read_lists
from app.training.sources.suggestion import classes_missing

Array = np.ndarray[Any, np.dtype[Any]]

PICTURES, MASKS = "images", "masks"
LOSSY_SUFFIXES = frozenset((".jpg", ".jpeg"))


class FolderSource(ListedFolder):
    """Folders of pictures and masks.

    A name is the path below `images/` without suffix; names with `/` come from folders in there. Lists of names are
    files NAME.txt beside `images/`; without `trainval.txt` every picture that is on no list is trained on.
    `samples.csv`, if there, says more of each picture.

    Args:
        root: folder of the data set.

    Raises:
        DataError: no or a wrong `classes.toml`.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root, root)
        classes = root / CLASSES
        if not classes.is_file():
            raise classes_missing(classes, list(self._masks.values()))
        self._classes = read_classes(classes)

    @staticmethod
    def recognises(root: Path) -> bool:
        """Whether a folder is laid out like this."""
        return (root / PICTURES).is_dir() and (root / MASKS).is_dir()

    @property
    def labels(self) -> LabelMap:
        """The classes, as `classes.toml` says them."""
        return self._classes.labels

    def mask(self, sample: Sample) -> Array:
        """Class ids or 255, (H, W) uint8.

        Raises:
            DataError: a file that is missing or unreadable, pixels that stand for no class, or no labelled one.
        """
        return read_mask(sample, self._classes.codes)

    def everything(self) -> list[Sample]:
        """All pictures, and masks without one.

        Raises:
            DataError: two files of one name, or a wrong table.
        """
        folder = self.root / PICTURES
        lonely = [Sample(name, folder / f"{name}.jpg", self._masks[name]) for name in self._lonely]
        return [*self._samples.values(), *lonely]

    @cached_property
    def _masks(self) -> dict[str, Path]:
        folder = self.root / MASKS
        if lossy := files_by_name(folder, LOSSY_SUFFIXES):
            files = some(path.name for path in lossy.values())
            raise DataError(
                [f"{folder}: {files}: JPEG changes the values of pixels, so masks are PNG; export them again"]
            )
        return files_by_name(folder, MASK_SUFFIXES)

    @cached_property
    def _samples(self) -> dict[str, Sample]:
        folder, masks = self.root / PICTURES, self.root / MASKS
        pictures = files_by_name(folder, PICTURE_SUFFIXES)
        samples = {
            name: Sample(name, picture, self._masks.get(name, masks / f"{name}.png"))
            for name, picture in pictures.items()
        }
        return with_attributes(samples, self.root / ATTRIBUTES)

    @property
    def _lonely(self) -> list[str]:
        """Names of masks without a picture."""
        return [name for name in self._masks if name not in self._samples]

    @cached_property
    def _splits(self) -> Splits:
        if self._lonely:
            folder = self.root / PICTURES
            raise DataError([f"{self.root / MASKS}: no picture in {folder} has the name of {some(self._lonely)}"])
        return Splits(self.lists, read_lists(lists_in(self.lists), self._samples), self._samples)
