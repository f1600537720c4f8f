"""How pictures are divided: fixed by a seed, stratified, near-duplicates and groups on one side."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from app.core.errors import TrainingError
from app.training.near_duplicates import connected, near_pairs
from app.training.sources.samples import Sample

Array = np.ndarray[Any, np.dtype[Any]]


def validation_names(
    samples: Sequence[Sample], thumbnails: Array, count: int, mask_kind: str | None, seed: int
) -> list[str]:
    """Chooses the pictures to validate on.

    Args:
        samples: all pictures to train on.
        thumbnails: (N, 8, 9) uint8, of the same pictures, for finding near-duplicates.
        count: how many to choose, at least; near-duplicates of a chosen one, and all of its group, come along.
        mask_kind: only masks of this kind count as chosen; None: any.
        seed: determines the choice.

    Returns:
        Their names, sorted.

    Raises:
        TrainingError: fewer eligible pictures than asked for, or none left to train on.
    """
    eligible = [i for i, sample in enumerate(samples) if mask_kind is None or sample.mask_kind == mask_kind]
    if len(eligible) < count or count >= len(samples):
        raise TrainingError(
            f"validation_pictures {count}: {len(samples)} pictures, {len(eligible)} of them eligible; ask for fewer"
        )
    unit = inseparable([sample.group for sample in samples], thumbnails)
    chosen: set[int] = set()
    for position in stratified_order([samples[i].stratum for i in eligible], seed):
        if len(chosen.intersection(eligible)) >= count:
            break
        chosen.update(np.flatnonzero(unit == unit[eligible[position]]).tolist())
    if len(chosen) == len(samples):
        raise TrainingError("near-duplicates and groups tie all pictures together; none is left to train on")
    return sorted(samples[i].name for i in chosen)


def inseparable(groups: Sequence[str], thumbnails: Array | None) -> Array:
    """Unit of each picture, (N,) int: what must stay on one side of a split shares one.

    Args:
        groups: animal, patient or video of each picture; "": none.
        thumbnails: (N, 8, 9) uint8, to keep near-duplicates together; None: not asked for.
    """
    first: dict[str, int] = {}
    same = [(first.setdefault(group, index), index) for index, group in enumerate(groups) if group]
    near = () if thumbnails is None else near_pairs(thumbnails)
    return connected(len(groups), chain([np.array(same, int).reshape(-1, 2)], near))


def stratified_order(strata: Sequence[str], seed: int) -> list[int]:
    """Positions 0 … N − 1, in an order of which every beginning holds each stratum in its share."""
    rng = np.random.default_rng([seed, 2])
    members: dict[str, list[int]] = defaultdict(list)
    for position, stratum in enumerate(strata):
        members[stratum].append(position)
    placed = []
    for stratum in sorted(members):
        shuffled = rng.permutation(members[stratum])
        places = (np.arange(len(shuffled)) + rng.uniform()) / len(shuffled)
        placed += list(zip(places.tolist(), shuffled.tolist(), strict=True))
    return [position for _, position in sorted(placed)]


def divide(units: Array, strata: Sequence[str], shares: Mapping[str, float], seed: int) -> dict[str, Array]:
    """Indices of the pictures of each list, ascending.

    Units are taken in an order of which every stretch holds each stratum in its share; one that would take a list
    further from its number of pictures than it is passes on to the next list.

    Args:
        units: unit of each picture, (N,) int; a unit stays together.
        strata: of each picture; that of most of its pictures is a unit's.
        shares: of each list, above 0, 1 together; that of training first.
        seed: determines the choice.

    Raises:
        TrainingError: fewer units than lists.
    """
    members = [np.flatnonzero(units == unit) for unit in np.unique(units)]
    if len(members) < len(shares):
        raise TrainingError(
            f"{len(members)} inseparable unit(s) of {len(units)} pictures cannot be divided into {len(shares)} lists: "
            "groups and near-duplicates stay together"
        )
    stratum = [Counter(strata[index] for index in unit.tolist()).most_common(1)[0][0] for unit in members]
    left = [members[position] for position in stratified_order(stratum, seed)]
    parts: dict[str, Array] = {}
    lists = list(shares)[1:]
    for number, split in enumerate(lists):
        to_come = len(lists) - number  # a unit at least for each list after this one, and for training
        chosen = _fill(left, shares[split] * len(units), len(left) - to_come)
        parts[split] = np.sort(np.concatenate([left[position] for position in chosen]))
        left = [unit for position, unit in enumerate(left) if position not in chosen]
    return {next(iter(shares)): np.sort(np.concatenate(left))} | parts


def _fill(units: Sequence[Array], target: float, most: int) -> set[int]:
    """Positions of units that hold about `target` pictures together: at least one, at most `most`."""
    chosen: set[int] = set()
    count = 0
    for position, unit in enumerate(units):
        if len(chosen) < most and abs(count + len(unit) - target) < abs(count - target):
            chosen.add(position)
            count += len(unit)
    return chosen or {min(range(len(units)), key=lambda position: len(units[position]))}
