"""COCO's layout: JSON files of annotations, and pictures in a folder that is found by their names."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from app.core.errors import DataError
from app.core.labels import UNDECIDED, LabelMap
from app.training.sources.classes import Named, label_map
from app.training.sources.coco_file import AnnotatedPicture, CocoFile, read_coco
from app.training.sources.coco_layout import annotation_files, by_split, pictures_folder
from app.training.sources.listed import ListedFolder
from app.training.sources.listing import ATTRIBUTES, with_attributes
from app.training.sources.samples import Sample
from app.training.sources.segments import segment
from app.training.sources.splits import Splits, lists_in, read_lists

Array = np.ndarray[Any, np.dtype[Any]]

BACKGROUND = ("background", "_background_")
"""What a category is called that is the background itself."""


class CocoInstances(ListedFolder):
    """Pictures with objects as polygons or runs of pixels.

    The classes are the background, id 0, and the categories in the order of their ids. Where objects overlap, the
    smaller one lies on top. A crowd (`iscrowd`) is undecided where no object lies on it. A picture without
    objects is all background.

    One file alone is all of the data; lists of names, NAME.txt in `root`, may divide it as for folders. Of several
    files each is the split that its name says (`instances_train2017.json`, `val.json`, `valid/_annotations.coco.json`).
    A name is the path of the picture without suffix: from the folder of the pictures, or of several files from `root`.

    Args:
        root: folder of the data set.

    Raises:
        DataError: files that cannot be read, or that do not go together.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root, root)
        self._files = [read_coco(path) for path in annotation_files(root)]
        self._ids, self.labels = _classes(self._files)

    @staticmethod
    def recognises(root: Path) -> bool:
        """Whether a folder is laid out like this."""
        return bool(annotation_files(root))

    def mask(self, sample: Sample) -> Array:
        """Class ids or 255, (H, W) uint8.

        Raises:
            DataError: an annotation that cannot be drawn, or no labelled pixel.
            TrainingError: polygons, and pycocotools is not installed.
        """
        picture = self._pictures[sample.name]
        mask = np.zeros(picture.size, np.uint8)
        beneath = np.full(picture.size, mask.size + 1)  # area of the object that a pixel belongs to
        problems = []
        for annotation in picture.annotations:
            try:
                pixels = segment(annotation.segmentation, picture.size)
            except ValueError as error:
                problems.append(f"{sample.mask}: annotation {annotation.id} ({sample.picture.name}): {error}")
                continue
            area = mask.size + 1 if annotation.crowd else np.count_nonzero(pixels)
            seen = pixels & (area <= beneath)
            mask[seen] = UNDECIDED if annotation.crowd else self._ids[annotation.category]
            beneath[seen] = area
        if not problems and (mask == UNDECIDED).all():
            problems.append(f"{sample.mask}: {sample.picture.name} is nothing but a crowd; take it out")
        if problems:
            raise DataError(problems)
        return mask

    def everything(self) -> list[Sample]:
        """All pictures that the files of annotations name.

        Raises:
            DataError: pictures that are nowhere, or a wrong table.
        """
        return list(self._samples.values())

    def list_path(self, split: str) -> Path:
        """Where the list of a split is, or is to be written.

        Raises:
            DataError: the files of annotations are the splits.
        """
        if by_split(self._files):
            raise DataError(
                [f"{self.root}: each file of annotations is a split; make one of them to divide it by lists"]
            )
        return super().list_path(split)

    @cached_property
    def _splits(self) -> Splits:
        lists = {split: self._names[file.path] for split, file in by_split(self._files).items()}
        files = lists_in(self.lists)
        if both := sorted(set(files) & set(lists)):
            raise DataError([f"{files[split]}: there is a file of annotations for `{split}`, too" for split in both])
        return Splits(self.lists, lists | read_lists(files, self._samples), self._samples)

    @cached_property
    def _samples(self) -> dict[str, Sample]:
        samples = {}
        for file in self._files:
            folder = self._folders[file.path]
            for name, picture in zip(self._names[file.path], file.pictures, strict=True):
                samples[name] = Sample(name, folder / picture.file, file.path)
        return with_attributes(samples, self.root / ATTRIBUTES)

    @cached_property
    def _pictures(self) -> dict[str, AnnotatedPicture]:
        names = [name for file in self._files for name in self._names[file.path]]
        return dict(zip(names, (picture for file in self._files for picture in file.pictures), strict=True))

    @cached_property
    def _names(self) -> dict[Path, list[str]]:
        """Names of the pictures of each file of annotations."""
        if len(self._files) == 1:
            return {file.path: [picture.name for picture in file.pictures] for file in self._files}
        inside = {path: folder.relative_to(self.root) for path, folder in self._folders.items()}
        return {
            file.path: [(inside[file.path] / picture.name).as_posix() for picture in file.pictures]
            for file in self._files
        }

    @cached_property
    def _folders(self) -> dict[Path, Path]:
        """Folder of the pictures of each file of annotations."""
        return {file.path: pictures_folder(self.root, file) for file in self._files}


def _classes(files: list[CocoFile]) -> tuple[dict[int, int], LabelMap]:
    """Class id by category id, and the classes."""
    first, *others = files
    for file in others:
        if file.categories != first.categories:
            raise DataError([f"{file.path}: other categories than in {first.path}; export them together"])
    headings = frozenset.intersection(*(file.headings for file in files))
    categories = {number: name for number, name in first.categories.items() if number not in headings}
    backgrounds = [number for number, name in categories.items() if name.lower() in BACKGROUND]
    objects = [number for number in categories if number not in backgrounds]
    named = [Named("background", role="background")]
    named += [Named(categories[number], role="foreground") for number in objects]
    ids = dict.fromkeys(backgrounds, 0) | {number: place for place, number in enumerate(objects, 1)}
    return ids, label_map(named, first.path)
