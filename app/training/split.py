"""The validation split: fixed by a seed, stratified, near-duplicates on one side."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from app.core.errors import TrainingError
from app.training.sources.samples import Sample

Array = np.ndarray[Any, np.dtype[Any]]

NEAR = 6
"""Bits of 64 in which the hashes of two pictures may differ that count as near-duplicates."""


def validation_names(
    samples: Sequence[Sample], pictures: Array, count: int, mask_kind: str | None, seed: int
) -> list[str]:
    """Chooses the pictures to validate on.

    Args:
        samples: all pictures to train on.
        pictures: (N, S, S, 3) uint8, the same pictures, for finding near-duplicates.
        count: how many to choose, at least; near-duplicates of a chosen one come along.
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
    group = near_duplicate_groups(pictures)
    chosen: set[int] = set()
    for index in _stratified_order(samples, eligible, seed):
        if len(chosen.intersection(eligible)) >= count:
            break
        chosen.update(np.flatnonzero(group == group[index]).tolist())
    if len(chosen) == len(samples):
        raise TrainingError("near-duplicates tie all pictures to the validation split; none is left to train on")
    return sorted(samples[i].name for i in chosen)


def _stratified_order(samples: Sequence[Sample], eligible: Sequence[int], seed: int) -> list[int]:
    """Eligible pictures so ordered that every beginning holds each stratum in its share."""
    rng = np.random.default_rng([seed, 2])
    strata: dict[str, list[int]] = defaultdict(list)
    for index in eligible:
        strata[samples[index].stratum].append(index)
    placed = []
    for stratum in sorted(strata):
        members = rng.permutation(strata[stratum])
        places = (np.arange(len(members)) + rng.uniform()) / len(members)
        placed += list(zip(places.tolist(), members.tolist(), strict=True))
    return [index for _, index in sorted(placed)]


def near_duplicate_groups(pictures: Array) -> Array:
    """Group number of each picture, (N,) int; pictures whose difference hashes are near share one."""
    bits = np.stack([_difference_hash(picture) for picture in pictures])  # (N, 64) bool
    group = np.arange(len(bits))
    for index in range(len(bits)):
        near = np.flatnonzero((bits[: index + 1] != bits[index]).sum(axis=1) <= NEAR)
        joined = np.unique(group[near])
        group[np.isin(group, joined)] = joined[0]
    return group


def _difference_hash(picture: Array) -> Array:
    """Whether each of 8×8 cells is brighter than the one to its left, (64,) bool (dHash)."""
    grey = np.asarray(Image.fromarray(picture).convert("L").resize((9, 8), Image.Resampling.BOX), np.int16)
    return (np.diff(grey, axis=1) > 0).reshape(-1)
