"""The layout of the Oxford-IIIT Pet archive: `images/`, `annotations/trimaps/`, `annotations/{trainval,test}.txt`."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from app.core.errors import DataError
from app.core.labels import UNDECIDED, Label, LabelMap
from app.training.sources.codes import PixelCodes, read_mask
from app.training.sources.samples import Credit, Sample

Array = np.ndarray[Any, np.dtype[Any]]

PETS = LabelMap(
    (
        Label(0, "pet", (230, 97, 1), "foreground"),
        Label(1, "background", (63, 81, 120), "background"),
        Label(2, "border", (253, 200, 60), "border"),
    )
)

TRIMAP = PixelCodes(
    values={0: UNDECIDED, 1: 0, 2: 1, 3: 2, 255: UNDECIDED},
    remedy="a trimap has 1 object, 2 background, 3 border",
)

CREDITS = (
    Credit("Oxford-IIIT Pet", "O. Parkhi, A. Vedaldi, A. Zisserman, C. V. Jawahar, CVPR 2012", "CC BY-SA 4.0"),
    Credit("Feral cat segmentation", "Paul Cashman, Cornell Feline Health Center", "public domain"),
    Credit("Cat-Segmentation", "Arda Mavi", "Apache-2.0"),
)
CREDITED_SOURCES = {"oxford": CREDITS[0], "feral": CREDITS[1], "kitty": CREDITS[2]}
SPECIES = {"1": "cats", "2": "dogs"}
"""Names of the first part of a stratum."""


class OxfordPets:
    """Pictures with trimaps of 1 (object), 2 (background), 3 (border); 0 or 255 counts for nothing.

    The lists hold a line a picture: NAME CLASS SPECIES BREED (only the name is needed). `annotations/sources.txt`, if
    there, says where each comes from: NAME SOURCE MASK-KIND.

    Args:
        root: folder of the data set.
    """

    labels = PETS
    kinds = SPECIES

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lists = root / "annotations"

    @staticmethod
    def recognises(root: Path) -> bool:
        """Whether a folder is laid out like this."""
        return (root / "annotations" / "trimaps").is_dir()

    @cached_property
    def _sources(self) -> dict[str, tuple[str, str]]:
        path = self.lists / "sources.txt"
        if not path.is_file():
            return {}
        rows = [line.split() for line in _lines(path)]
        return {row[0]: (row[1] if len(row) > 1 else "", row[2] if len(row) > 2 else "") for row in rows}

    @property
    def credits(self) -> tuple[Credit, ...]:
        """Whom the data is owed to; empty where nothing says."""
        present = {source for source, _ in self._sources.values()}
        return tuple(credit for source, credit in CREDITED_SOURCES.items() if source in present)

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the lists in `annotations/`."""
        names = (path.stem for path in self.lists.glob("*.txt"))
        return tuple(sorted(set(names) - {"sources", "list", "unlabelled"}))

    def samples(self, split: str) -> list[Sample]:
        """The pictures of `trainval`, `test` or any other list in `annotations/`.

        Raises:
            DataError: no such list, an empty one, or a name twice.
        """
        path = self.lists / f"{split}.txt"
        if not path.is_file():
            raise DataError([f"{path}: missing; it lists the pictures of `{split}`, one name a line"])
        rows = [line.split() for line in _lines(path)]
        names = [row[0] for row in rows]
        problems = [f"{path}: {name} is listed twice" for name in sorted({n for n in names if names.count(n) > 1})]
        problems += [f"{path}: no picture is listed"] if not rows else []
        if problems:
            raise DataError(problems)
        return [self._sample(row) for row in rows]

    def _sample(self, row: list[str]) -> Sample:
        source, mask_kind = self._sources.get(row[0], ("", ""))
        return Sample(
            name=row[0],
            picture=self.root / "images" / f"{row[0]}.jpg",
            mask=self.root / "annotations" / "trimaps" / f"{row[0]}.png",
            source=source,
            mask_kind=mask_kind,
            stratum=_stratum(row),
        )

    def mask(self, sample: Sample) -> Array:
        """Class ids (trimap value − 1) or 255, (H, W) uint8.

        Raises:
            DataError: a file that is missing or unreadable, a value other than 0–3 and 255, or no 1, 2 or 3 at all.
        """
        return read_mask(sample, TRIMAP)

    def everything(self) -> list[Sample]:
        """All pictures and masks; `list.txt`, as the archive has it, tells species and breed of those on no list."""
        folders = (("images", ".jpg"), ("annotations/trimaps", ".png"))
        names = {path.stem for folder, suffix in folders for path in (self.root / folder).glob(f"[!.]*{suffix}")}
        return [self._sample(self._rows.get(name, [name])) for name in sorted(names)]

    @cached_property
    def _rows(self) -> dict[str, list[str]]:
        """What lists say of each picture."""
        lists = [path for path in sorted(self.lists.glob("*.txt")) if path.stem != "sources"]
        rows = [line.split() for path in lists for line in _lines(path)]
        return {row[0]: row for row in sorted(rows, key=len)}

    def list_path(self, split: str) -> Path:
        """Where the list of a split is, or is to be written."""
        return self.lists / f"{split}.txt"

    def list_line(self, sample: Sample) -> str:
        """What stands for a picture on a list: all that any list says of it."""
        return " ".join(self._rows.get(sample.name, [sample.name]))


def _stratum(row: list[str]) -> str:
    """SPECIES BREED."""
    return " ".join(row[2:4])


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError([f"{path}: cannot be read ({error})"]) from error
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def strata_of(path: Path) -> dict[str, str]:
    """What a list of pictures, NAME CLASS SPECIES BREED, says of each: `SPECIES BREED` by name.

    Raises:
        DataError: a list that cannot be read.
    """
    return {row[0]: _stratum(row) for row in (line.split() for line in _lines(path))}
