"""The layout of Pascal VOC: `JPEGImages/`, `SegmentationClass/`, `ImageSets/Segmentation/NAME.txt`."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from app.core.labels import UNDECIDED, LabelMap
from app.training.sources.classes import label_map
from app.training.sources.codes import PixelCodes, read_mask
from app.training.sources.labelmap import LABEL_MAP, PASCAL, read_label_map
from app.training.sources.listed import ListedFolder
from app.training.sources.listing import ATTRIBUTES, PICTURE_SUFFIXES, files_by_name, with_attributes
from app.training.sources.masks import MASK_SUFFIXES
from app.training.sources.samples import Sample
from app.training.sources.splits import Splits, lists_in, read_lists

Array = np.ndarray[Any, np.dtype[Any]]

PICTURES, MASKS, LISTS = "JPEGImages", "SegmentationClass", "ImageSets/Segmentation"


class PascalVoc(ListedFolder):
    """Pictures with masks of palette indices or colours; 255, and the colour of void, count for nothing.

    The classes are those of `labelmap.txt`, in its order, as CVAT writes it (`NAME:R,G,B:parts:actions` a line), or
    without it Pascal's 21. Pictures without a mask are left out; a list of which nothing is left is none. Without lists
    every picture with a mask is trained on. `samples.csv`, if there, says more of each picture.

    Args:
        root: folder of the data set.

    Raises:
        DataError: a wrong `labelmap.txt`.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root, root / LISTS)
        path = root / LABEL_MAP
        classes = read_label_map(path) if path.is_file() else PASCAL
        self.labels: LabelMap = label_map(classes.named, path)
        self._codes = PixelCodes(
            values={label.id: label.id for label in self.labels} | {UNDECIDED: UNDECIDED},
            colours=dict.fromkeys(classes.void, UNDECIDED) | {label.colour: label.id for label in self.labels},
            trusted="either",
            remedy=f"{path} says which colours there are, or, where it is missing, Pascal's classes are taken",
        )

    @staticmethod
    def recognises(root: Path) -> bool:
        """Whether a folder is laid out like this."""
        return (root / PICTURES).is_dir() and (root / MASKS).is_dir()

    def mask(self, sample: Sample) -> Array:
        """Class ids or 255, (H, W) uint8.

        Raises:
            DataError: a file that is missing or unreadable, pixels that stand for no class, or no labelled one.
        """
        return read_mask(sample, self._codes)

    def everything(self) -> list[Sample]:
        """All masks, and pictures without one.

        Raises:
            DataError: two files of one name, or a wrong table.
        """
        bare = [name for name in self._pictures if name not in self._samples]
        masks = self.root / MASKS
        return [*self._samples.values(), *(Sample(name, self._pictures[name], masks / f"{name}.png") for name in bare)]

    @cached_property
    def _pictures(self) -> dict[str, Path]:
        return files_by_name(self.root / PICTURES, PICTURE_SUFFIXES)

    @cached_property
    def _samples(self) -> dict[str, Sample]:
        folder = self.root / PICTURES
        masks = files_by_name(self.root / MASKS, MASK_SUFFIXES)
        samples = {
            name: Sample(name, self._pictures.get(name, folder / f"{name}.jpg"), mask) for name, mask in masks.items()
        }
        return with_attributes(samples, self.root / ATTRIBUTES)

    @cached_property
    def _splits(self) -> Splits:
        lists = read_lists(lists_in(self.lists), self._samples, self._pictures)
        return Splits(self.lists, lists, self._samples)
