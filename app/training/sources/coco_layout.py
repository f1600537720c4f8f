"""Where COCO's files of annotations and their pictures are, and what splits they say they are."""

import mmap
from pathlib import Path

from app.core.errors import DataError
from app.training.sources.coco_file import KEYS, CocoFile
from app.training.sources.listing import some
from app.training.sources.splits import split_name

PREFIX = "instances_"
"""COCO's own files of annotated objects are called so; those of captions and keypoints lie beside them."""

ROBOFLOW = "_annotations.coco.json"
"""One in each folder of a split, beside its pictures."""

SPLITS = ("train", "trainval", "validation", "test")
LOOKED_AT = 20
"""Pictures that are looked for to find their folder."""


def annotation_files(root: Path) -> list[Path]:
    """JSON files with objects in `root`, `root/annotations` and, as Roboflow writes them, in the folders of splits."""
    candidates = [*root.glob("*.json"), *(root / "annotations").glob("*.json"), *root.glob(f"*/{ROBOFLOW}")]
    found = sorted({path for path in candidates if not path.name.startswith(".") and _has_keys(path)})
    return [path for path in found if path.name.startswith(PREFIX)] or found


def _has_keys(path: Path) -> bool:
    """Whether the names of COCO's lists are in a file, however large it is."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return all(content.find(f'"{key}"'.encode()) >= 0 for key in KEYS)
    except (OSError, ValueError):  # a folder, unreadable, or empty
        return False


def by_split(files: list[CocoFile]) -> dict[str, CocoFile]:
    """Files by the split that their names say; one alone is no split of anything, unless it is a test."""
    if len(files) == 1:
        return {"test": files[0]} if _split_of(files[0].path) == "test" else {}
    found: dict[str, CocoFile] = {}
    for file in files:
        split = _split_of(file.path)
        if split not in SPLITS:
            raise DataError([f"{file.path}: of several files each is called train, val or test, and this one is not"])
        if split in found:
            raise DataError([f"{file.path}: {found[split].path} is for `{split}`, too; keep one of them"])
        found[split] = file
    return found


def _split_of(path: Path) -> str:
    return split_name(_stem(path).rstrip("0123456789-_. "))


def _stem(path: Path) -> str:
    """What tells one file of annotations from another: `train2017`."""
    return path.parent.name if path.name == ROBOFLOW else path.stem.removeprefix(PREFIX)


def pictures_folder(root: Path, file: CocoFile) -> Path:
    """The folder that most of the first pictures are in."""
    stem = _stem(file.path)
    inside = ("", "images", f"images/{stem}", stem, "data")
    folders = list(dict.fromkeys([file.path.parent, *(root / folder for folder in inside)]))
    looked_for = [picture.file for picture in file.pictures[:LOOKED_AT]]
    found = {folder: sum((folder / picture).is_file() for picture in looked_for) for folder in folders}
    best = max(folders, key=lambda folder: found[folder])
    if not found[best]:
        raise DataError(
            [f"{file.path}: {some(looked_for) or 'no pictures'}; looked for in {', '.join(map(str, folders))}"]
        )
    return best
