"""Kinds of problems that labelled data can have, and what to do about each."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]

VARYING = re.compile(r"\[[^]]*]|\(.{3,}\)|#[0-9a-f]{6}(, #[0-9a-f]{6})*|\d+")
"""What differs between two texts that say the same of two files: lists, asides, colours, numbers."""


@dataclass(frozen=True)
class Kind:
    """A kind of problem.

    Args:
        name: stable, for scripts.
        severity: an error stops training; a warning should be looked at.
        title: what it is, as it stands after a number.
        remedy: what to do about it.
    """

    name: str
    severity: Severity
    title: str
    remedy: str


NO_PICTURES = Kind("no_pictures", "error", "data sets or lists without a picture", "add pictures with masks")
LAYOUT = Kind(
    "layout", "error", "problems of lists, tables or annotation files", "correct what is named; nothing else is sure"
)
MISSING_PICTURE = Kind(
    "missing_picture", "error", "pictures that are not there", "restore the files, or take the names off the list"
)
UNREADABLE_PICTURE = Kind(
    "unreadable_picture", "error", "pictures that cannot be read", "save them anew, or take them off the list"
)
MISSING_MASK = Kind(
    "missing_mask", "error", "masks that are not there", "restore the files, or take the names off the list"
)
UNUSABLE_MASK = Kind("unusable_mask", "error", "masks that cannot be used", "correct them, or take them off the list")
OTHER_SIZE = Kind(
    "other_size", "error", "masks of another size than their pictures", "export mask and picture at the same size"
)
LISTED_TWICE = Kind(
    "listed_twice", "error", "names on two lists", "leave each on one list: scores on pictures trained on mean nothing"
)

NO_MASK = Kind("no_mask", "warning", "pictures without a mask", "label them, or ignore this: they are not used")
NO_PICTURE = Kind("no_picture", "warning", "masks without a picture", "restore the pictures, or delete the masks")
UNLISTED = Kind("unlisted", "warning", "labelled pictures on no list", "add them to a list, or ignore this")
ONE_CLASS = Kind(
    "one_class", "warning", "masks of one class alone", "fine where nothing is to be seen; else the mask was not drawn"
)
ABSENT_CLASS = Kind(
    "absent_class", "warning", "classes without a pixel to train on", "add examples, or take the class off"
)
SAME_PICTURE = Kind(
    "same_picture", "warning", "pairs of the same picture", "delete one of each, above all where their masks differ"
)
NEAR_PICTURE = Kind(
    "near_picture", "warning", "pairs of nearly the same picture", "fine for training; they count twice"
)
SAME_PICTURE_LEAK = Kind(
    "same_picture_leak", "warning", "pairs of the same picture on two lists", "take it off one: the scores are too good"
)
NEAR_PICTURE_LEAK = Kind(
    "near_picture_leak",
    "warning",
    "pairs of nearly the same picture on two lists",
    "put both on one list: `segserve data split` keeps such pictures together",
)
GROUP_LEAK = Kind(
    "group_leak",
    "warning",
    "groups on two lists",
    "put each on one list: `segserve data split` keeps groups together",
)


@dataclass(frozen=True)
class Problem:
    """One thing that was found.

    Args:
        kind: of what kind.
        name: of the picture, pair or file that it is about.
        detail: what was found, where the kind doesn't say it all.
    """

    kind: Kind
    name: str
    detail: str = ""


@dataclass(frozen=True)
class Finding:
    """All problems of a kind that say the same.

    Args:
        kind: of what kind.
        detail: what they say, with "…" for what differs; "" where the kind says it all.
        problems: at least one.
    """

    kind: Kind
    detail: str
    problems: tuple[Problem, ...]


def grouped(problems: Iterable[Problem]) -> tuple[Finding, ...]:
    """Findings, errors first, else in the order in which their first problem came."""
    alike: dict[tuple[Kind, str], list[Problem]] = defaultdict(list)
    for problem in problems:
        alike[problem.kind, VARYING.sub("…", problem.detail)].append(problem)
    findings = [
        Finding(kind, same[0].detail if len({p.detail for p in same}) == 1 else detail, tuple(same))
        for (kind, detail), same in alike.items()
    ]
    return tuple(sorted(findings, key=lambda finding: finding.kind.severity != "error"))
