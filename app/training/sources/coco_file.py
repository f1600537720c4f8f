"""A file of COCO annotations: parsed once, its references checked."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeGuard

from app.core.errors import DataError
from app.training.sources.classes import class_name
from app.training.sources.listing import is_one_line, some
from app.training.sources.masks import MAX_PIXELS

KEYS = ("images", "annotations", "categories")
MOST_PROBLEMS = 20


@dataclass(frozen=True)
class Annotation:
    """One object.

    Args:
        id: as the file says it, for messages.
        category: id of its category.
        crowd: whether it is a crowd of objects.
        segmentation: polygons or runs, not checked yet.
    """

    id: object
    category: int
    crowd: bool
    segmentation: Any


@dataclass(frozen=True)
class AnnotatedPicture:
    """A picture and what is drawn on it.

    Args:
        file: from the folder of the pictures.
        size: (H, W).
        annotations: in the order of the file.
    """

    file: PurePosixPath
    size: tuple[int, int]
    annotations: tuple[Annotation, ...]

    @property
    def name(self) -> str:
        """The file without its suffix."""
        return self.file.with_suffix("").as_posix()


@dataclass(frozen=True)
class CocoFile:
    """What a file says.

    Args:
        path: of the file.
        pictures: in the order of their files.
        categories: names by id, in the order of ids.
        headings: ids of categories that only head others and that no object is of, as Roboflow writes them.
    """

    path: Path
    pictures: tuple[AnnotatedPicture, ...]
    categories: dict[int, str]
    headings: frozenset[int]


def read_coco(path: Path) -> CocoFile:
    """Parses a file.

    Raises:
        DataError: it is no JSON, lacks what a file of annotations has, or refers to what is not there.
    """
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise DataError([f"{path}: cannot be read as JSON ({error})"]) from error
    if not isinstance(content, dict) or not all(isinstance(content.get(key), list) for key in KEYS):
        raise DataError([f"{path}: no file of COCO annotations, which has the lists {', '.join(KEYS)}"])
    reader = _Reader()
    categories, heads = reader.categories(content["categories"])
    annotations = reader.annotations(content["annotations"], categories)
    pictures = reader.pictures(content["images"], annotations)
    if problems := reader.problems:
        more = [f"{path}: and {len(problems) - MOST_PROBLEMS} more"] if len(problems) > MOST_PROBLEMS else []
        raise DataError([f"{path}: {problem}" for problem in problems[:MOST_PROBLEMS]] + more)
    used = {annotation.category for of_picture in annotations.values() for annotation in of_picture}
    return CocoFile(path, tuple(sorted(pictures, key=lambda picture: picture.file)), categories, heads - used)


class _Reader:
    """Reads the lists of a file and notes what is wrong with their entries."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def categories(self, entries: list[Any]) -> tuple[dict[int, str], frozenset[int]]:
        """Names by id, in the order of ids, and the ids of those that are the supercategory of others."""
        names: dict[int, str] = {}
        parents: dict[int, object] = {}
        for entry, number in self._entries("category", entries):
            try:
                names[number] = class_name(entry.get("name"))
            except ValueError as error:
                self.problems.append(f"category {number}: {error}")
            parents[number] = entry.get("supercategory")
        heads = {number for number, name in names.items() if parents[number] == "none" and name in parents.values()}
        return dict(sorted(names.items())), frozenset(heads)

    def annotations(self, entries: list[Any], categories: dict[int, str]) -> dict[int, list[Annotation]]:
        """Annotations by the id of their picture."""
        found: dict[int, list[Annotation]] = defaultdict(list)
        for entry, number in self._entries("annotation", entries):
            category, picture = entry.get("category_id"), entry.get("image_id")
            if not _is_whole(category) or category not in categories:
                self.problems.append(f"annotation {number}: category_id {category!r} is the id of no category")
            elif not _is_whole(picture):
                self.problems.append(f"annotation {number}: image_id {picture!r} is no number")
            else:
                crowd = entry.get("iscrowd") in (1, True)
                found[picture].append(Annotation(number, category, crowd, entry.get("segmentation")))
        return found

    def pictures(self, entries: list[Any], annotations: dict[int, list[Annotation]]) -> list[AnnotatedPicture]:
        """Pictures with their annotations; those without any are all background."""
        found, known = [], set()
        for entry, number in self._entries("image", entries):
            known.add(number)
            file, height, width = _file(entry.get("file_name")), entry.get("height"), entry.get("width")
            if file is None:
                what = f"file_name {entry.get('file_name')!r} is no path inside the folder of the pictures"
                self.problems.append(f"image {number}: {what}")
            elif not _is_whole(height) or not _is_whole(width) or not 0 < height * width <= MAX_PIXELS or height < 0:
                self.problems.append(f"image {number}: height {height!r} and width {width!r} are no size of a picture")
            else:
                found.append(AnnotatedPicture(file, (height, width), tuple(annotations.get(number, ()))))
        if twice := [name for name, count in Counter(picture.name for picture in found).items() if count > 1]:
            self.problems.append(f"two images have, but for the suffix, the file_name {some(twice)}")
        for image, lost in annotations.items():
            if image not in known:
                numbers = some(annotation.id for annotation in lost)
                self.problems.append(f"annotation {numbers}: image_id {image} is the id of no image")
        return found

    def _entries(self, kind: str, entries: list[Any]) -> Iterator[tuple[dict[str, Any], int]]:
        """Entries with their ids, which are whole numbers and unique."""
        seen = set()
        for place, entry in enumerate(entries):
            number = entry.get("id") if isinstance(entry, dict) else None
            if not _is_whole(number):
                self.problems.append(f"{kind} at place {place} of its list: no `id` that is a whole number")
            elif number in seen:
                self.problems.append(f"{kind} {number}: two of them have this id")
            else:
                seen.add(number)
                yield entry, number


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _file(name: object) -> PurePosixPath | None:
    """A path that stays in the folder it starts from, or None."""
    if not isinstance(name, str) or not is_one_line(name):
        return None
    path = PurePosixPath(name.replace("\\", "/"))
    return None if path.is_absolute() or ".." in path.parts or not path.name else path
