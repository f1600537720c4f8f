"""Folders of labelled pictures, whatever their layout."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from app.core.errors import DataError
from app.training.sources.coco import CocoInstances
from app.training.sources.folder import FolderSource
from app.training.sources.joined import JoinedSource
from app.training.sources.oxford import OxfordPets
from app.training.sources.samples import DataFolder, DataSource
from app.training.sources.voc import PascalVoc


class Layout(Protocol):
    """A way to lay a data set out in a folder."""

    def __call__(self, root: Path) -> DataFolder:
        """Opens a data set."""

    def recognises(self, root: Path) -> bool:
        """Whether a folder is laid out like this."""


LAYOUTS: dict[str, Layout] = {"oxford": OxfordPets, "folder": FolderSource, "coco": CocoInstances, "voc": PascalVoc}

DESCRIPTIONS = {
    "oxford": "annotations/trimaps/, images/",
    "folder": "images/, masks/, classes.toml",
    "coco": "a JSON file with images, annotations and categories, there, in annotations/ or in train/",
    "voc": "JPEGImages/, SegmentationClass/",
}
AUTO = "auto"


def open_sources(roots: Sequence[Path], layout: str = AUTO) -> DataSource:
    """Opens folders of labelled pictures; several are one data set.

    Args:
        roots: at least one.
        layout: `auto`, or that of all of them.

    Raises:
        DataError: as `open_source`, or data sets that cannot be joined.
    """
    sources = [open_source(root, layout) for root in roots]
    return sources[0] if len(sources) == 1 else JoinedSource(sources)


def open_source(root: Path, layout: str = AUTO) -> DataFolder:
    """Opens a folder of labelled pictures.

    Args:
        root: the folder.
        layout: one of `LAYOUTS`, or `auto`: the one that the folder is recognised by.

    Raises:
        DataError: the folder is missing, is laid out like none or several of them, or what its source raises.
    """
    known = "\n".join(f"  {name}: {content}" for name, content in DESCRIPTIONS.items())
    if not root.is_dir():
        raise DataError([f"{root}: {'is no folder' if root.exists() else 'missing'}; it should hold one of\n{known}"])
    fitting = [name for name, candidate in LAYOUTS.items() if layout in (name, AUTO) and candidate.recognises(root)]
    if not fitting:
        what = "labelled pictures" if layout == AUTO else f"layout `{layout}`"
        raise DataError([f"{root}: no {what} recognised here; it should hold one of\n{known}"])
    if len(fitting) > 1:
        raise DataError([f"{root}: could be {' or '.join(fitting)}; say which: --layout {fitting[0]}"])
    return LAYOUTS[fitting[0]](root)
