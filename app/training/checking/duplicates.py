"""Pictures that are there twice, and pictures and groups that are on two sides of a split."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.training.checking.inspection import Inspection
from app.training.checking.problems import (
    GROUP_LEAK,
    NEAR_PICTURE,
    NEAR_PICTURE_LEAK,
    SAME_PICTURE,
    SAME_PICTURE_LEAK,
    Kind,
    Problem,
)
from app.training.near_duplicates import near_pairs
from app.training.sources.samples import LISTS, Sample

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Pair:
    """Two pictures that show the same.

    Args:
        kind: how alike they are, and whether they are on two lists.
        one: the picture that comes first.
        other: the one that repeats it.
    """

    kind: Kind
    one: Sample
    other: Sample

    @property
    def problem(self) -> Problem:
        """As a problem."""
        return Problem(self.kind, f"{self.one.name} = {self.other.name}")


def duplicate_pairs(inspections: Sequence[Inspection], sides: Sequence[str]) -> list[Pair]:
    """For each picture that repeats others: the first of them, and the first on another side of the split.

    Args:
        inspections: all pictures.
        sides: which of `LISTS` each is on; "": none.
    """
    readable = [(i, side) for i, side in zip(inspections, sides, strict=True) if i.picture]
    pictures = [inspection.picture for inspection, _ in readable if inspection.picture]
    side = np.array([LISTS.index(name) if name in LISTS else -1 for _, name in readable])
    digests = [picture.digest for picture in pictures]
    thumbnails = np.array([picture.thumbnail for picture in pictures], np.uint8).reshape(-1, 8, 9)
    found: dict[tuple[int, bool], Pair] = {}
    for portion in _candidates(digests, side, thumbnails):
        leaks = (side[portion] >= 0).all(axis=1) & (side[portion[:, 0]] != side[portion[:, 1]])
        for leak in (False, True):
            chosen = portion[leaks == leak]
            _, first = np.unique(chosen[:, 1], return_index=True)
            for one, other in chosen[np.sort(first)].tolist():
                kind = _kind(digests[one] == digests[other], leak)
                found.setdefault((other, leak), Pair(kind, readable[one][0].sample, readable[other][0].sample))
    order = (SAME_PICTURE_LEAK, NEAR_PICTURE_LEAK, SAME_PICTURE, NEAR_PICTURE)
    return sorted(found.values(), key=lambda pair: order.index(pair.kind))


def _candidates(digests: Sequence[bytes], side: Array, thumbnails: Array) -> Iterator[Array]:
    """Pairs of the same pictures, then of near ones: (K, 2) int, the lower index first."""
    members: dict[bytes, list[int]] = defaultdict(list)
    for index, digest in enumerate(digests):
        members[digest].append(index)
    for same in members.values():
        _, firsts = np.unique(side[same], return_index=True)
        for position in sorted(firsts.tolist()):
            yield np.array([(same[position], other) for other in same[position + 1 :]], int).reshape(-1, 2)
    yield from near_pairs(thumbnails)


def _kind(same: bool, leak: bool) -> Kind:
    if same:
        return SAME_PICTURE_LEAK if leak else SAME_PICTURE
    return NEAR_PICTURE_LEAK if leak else NEAR_PICTURE


def group_leaks(samples: Sequence[Sample], sides: Sequence[str]) -> list[Problem]:
    """Groups with pictures on more than one side."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for sample, side in zip(samples, sides, strict=True):
        if sample.group and side in LISTS:
            counts[sample.group][side] += 1
    return [
        Problem(GROUP_LEAK, group, ", ".join(f"{number} in {side}" for side, number in by_side.items()))
        for group, by_side in counts.items()
        if len(by_side) > 1
    ]
