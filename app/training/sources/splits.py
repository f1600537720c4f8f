"""Lists of names: which pictures are trained on, validated on, tested on."""

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

from app.core.errors import DataError
from app.training.sources.listing import some, suffix_hint

OUR_NAMES = {"val": "validation", "valid": "validation", "training": "train", "testing": "test"}
"""What other names of lists are here."""

NO_LISTS = ("readme", "license", "licence", "classes", "labelmap", "labels", "notice", "credits", "requirements")
"""Beginnings of the names of text files that are no lists."""


class Splits:
    """Names by split.

    `trainval` is the list of that name, or `train`, or else all pictures that are on no list; those of `validation`
    are taken out of it, so that it holds what may be trained on.

    Args:
        folder: where a list is to be written that is not there, for messages.
        lists: names by list.
        everything: all names.
    """

    def __init__(self, folder: Path, lists: Mapping[str, list[str]], everything: Collection[str]) -> None:
        self._folder = folder
        self._names = {split: names for split, names in lists.items() if split not in ("trainval", "train")}
        listed = {name for names in self._names.values() for name in names}
        base = lists.get("trainval") or lists.get("train") or [name for name in everything if name not in listed]
        validation = set(lists.get("validation", ()))
        if training := [name for name in base if name not in validation]:
            self._names["trainval"] = training

    @property
    def names(self) -> tuple[str, ...]:
        """The splits there are."""
        return tuple(sorted(self._names))

    def of(self, split: str) -> list[str]:
        """Names of a split.

        Raises:
            DataError: there is none.
        """
        if split not in self._names:
            there = ", ".join(self.names) or "none, for there is no picture with a mask"
            raise DataError([f"{self._folder / f'{split}.txt'}: missing; the lists are {there}"])
        return self._names[split]


def split_name(stem: str) -> str:
    """The name of a split, from that of its file: `Val` is `validation`."""
    return OUR_NAMES.get(stem.lower(), stem.lower())


def lists_in(folder: Path) -> dict[str, Path]:
    """Files of lists by split.

    Raises:
        DataError: two lists of one split.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.txt")):
        if path.name.startswith(".") or path.name.lower().startswith(NO_LISTS):
            continue
        split = split_name(path.stem)
        if split in found:
            raise DataError([f"{path}: {found[split].name} lists the pictures of `{split}`, too; keep one of them"])
        found[split] = path
    return found


def list_path(folder: Path, split: str) -> Path:
    """Where the list of a split is, whatever it is called there, or is to be written.

    Raises:
        DataError: two lists of one split.
    """
    there = lists_in(folder)
    return there.get(split) or (there.get("train") if split == "trainval" else None) or folder / f"{split}.txt"


def read_lists(
    files: Mapping[str, Path], known: Collection[str], left_out: Collection[str] = ()
) -> dict[str, list[str]]:
    """Names by split; a list of which nothing is left is none.

    Args:
        files: of the lists, by split. A name a line; empty lines and those that begin with # say nothing.
        known: names of the pictures that have a mask.
        left_out: names of pictures that have none and may be listed all the same.

    Raises:
        DataError: what is wrong with any list: it cannot be read, is empty, or has a name twice or an unknown one.
    """
    lists: dict[str, list[str]] = {}
    problems: list[str] = []
    for split, path in files.items():
        try:
            names = _read_list(path, known, left_out)
        except DataError as error:
            problems += error.problems
        else:
            lists |= {split: names} if names else {}
    if problems:
        raise DataError(problems)
    return lists


def _read_list(path: Path, known: Collection[str], left_out: Collection[str]) -> list[str]:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError([f"{path}: cannot be read ({error})"]) from error
    names = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    problems = [] if names else [f"{path}: no picture is listed"]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        problems.append(f"{path}: listed twice: {some(twice)}")
    if unknown := [name for name in names if name not in known and name not in left_out]:
        problems.append(f"{path}: no picture has the name {some(unknown)}{suffix_hint(unknown[0], known)}")
    if problems:
        raise DataError(problems)
    return [name for name in names if name in known]
