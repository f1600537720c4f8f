"""What is random in a training step: which pictures, and how each is augmented. A function of seed and step alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from app.training.config import AugmentationConfig

Array = np.ndarray[Any, np.dtype[Any]]

ORDER, AUGMENTATION = 0, 1
"""Streams of random numbers that must not share any."""

LARGEST_BOX, LONGEST_BOX = 0.5, 2.0
"""Of a rectangle that shows another picture: part of the area, ratio of the sides."""

GOLDEN_RATIO = 0.6180339887498949
CHUNK = 2**20


@dataclass(frozen=True)
class Draw:
    """One batch to come.

    Args:
        chosen: (B,) int32, indices into the data set.
        affine: (B, 2, 3) float32, output (x, y, 1), −½ … ½ → source (x, y), 0 … 1.
        colour: (B, 6) float32: brightness offset (0–255), contrast, saturation, gains of red, green, blue.
        boxes: (B, 4) float32: left, top, right, bottom, 0 … 1, of the part that shows the picture before it in the
            batch, empty for some; None: for all.
    """

    chosen: Array
    affine: Array
    colour: Array
    boxes: Array | None = None


class Sampler:
    """Draws batches: each group of pictures gets its share, and within a group every picture its turn.

    Args:
        groups: group of each picture of the data set.
        shares: relative weight of groups; those not named get none. Empty: all pictures alike.
        batch_size: pictures a batch.
        seed: of the run.
        augmentation: ranges of the augmentation.
        view: side of what a picture shows at zoom 1, as a part of the stored picture's side.

    Raises:
        ValueError: a share for a group without pictures, or none above zero.
    """

    def __init__(
        self,
        groups: Sequence[str],
        shares: Mapping[str, float],
        batch_size: int,
        seed: int,
        augmentation: AugmentationConfig,
        view: float = 1.0,
    ) -> None:
        known = sorted(set(groups))
        missing = sorted(set(shares) - set(known))
        if missing:
            raise ValueError(f"sampling: no training picture in group(s) {', '.join(missing)}; there are {known}")
        names = np.array(groups)
        if shares:
            self._members = [np.flatnonzero(names == name) for name in sorted(shares)]
            weights = np.array([shares[name] for name in sorted(shares)], float)
        else:
            self._members, weights = [np.arange(len(names))], np.ones(1)
        if weights.sum() <= 0:
            raise ValueError("sampling: at least one share must be above zero")
        self._bounds = np.cumsum(weights / weights.sum())[:-1]
        self._batch_size = batch_size
        self._seed = seed
        self._augmentation = augmentation
        self._view = view
        self._permutation = lru_cache(maxsize=64)(self._permute)
        self._counted = (0, np.zeros(len(self._members), int))

    def draw(self, step: int) -> Draw:
        """The batch of a step, counted from 0."""
        rng = np.random.Generator(np.random.Philox(key=[self._seed, AUGMENTATION], counter=[0, 0, 0, step]))
        count = self._batch_size
        return Draw(
            chosen=self._choose(step),
            affine=draw_affine(rng, count, self._augmentation, self._view),
            colour=draw_colour(rng, count, self._augmentation),
            boxes=draw_boxes(rng, count, self._augmentation.cutmix) if self._augmentation.cutmix else None,
        )

    def _choose(self, step: int) -> Array:
        turns = self._turns(step)
        chosen = []
        for group in self._groups(step * self._batch_size, self._batch_size):
            chosen.append(self._pick(group, turns[group]))
            turns[group] += 1
        self._counted = (step + 1, turns)
        return np.array(chosen, np.int32)

    def _groups(self, first: int, count: int) -> Array:
        """Group of each of `count` drawn pictures: a golden-ratio sequence keeps the shares in any stretch of them."""
        return np.searchsorted(self._bounds, np.arange(first, first + count) * GOLDEN_RATIO % 1.0, side="right")

    def _turns(self, step: int) -> Array:
        """How many pictures each group has had before a step."""
        known, turns = self._counted
        if known != step:
            known, turns = 0, np.zeros(len(self._members), int)
        for first in range(known * self._batch_size, step * self._batch_size, CHUNK):
            count = min(CHUNK, step * self._batch_size - first)
            turns = turns + np.bincount(self._groups(first, count), minlength=len(turns))
        return turns.copy()

    def _pick(self, group: int, turn: int) -> int:
        members = self._members[group]
        passes, place = divmod(int(turn), len(members))
        return int(members[self._permutation(group, passes)[place]])

    def _permute(self, group: int, passes: int) -> Array:
        rng = np.random.Generator(np.random.Philox(key=[self._seed, ORDER], counter=[0, 0, group, passes]))
        return rng.permutation(len(self._members[group]))


def draw_affine(rng: np.random.Generator, count: int, ranges: AugmentationConfig, view: float = 1.0) -> Array:
    """Affine maps of `count` pictures, (count, 2, 3) float32: flip, zoom, aspect, rotation, then a shift.

    A view smaller than the picture lies inside of it, a larger one contains it (before rotation).
    """
    zoom = view * np.exp(rng.uniform(np.log(ranges.scale_min), np.log(ranges.scale_max), count))
    aspect = np.exp(rng.uniform(-1, 1, count) * np.log(ranges.aspect) / 2)
    angle = np.deg2rad(rng.uniform(-1, 1, count) * ranges.rotation)
    flip = np.where(rng.uniform(size=count) < ranges.flip, -1.0, 1.0)
    width, height = zoom * aspect, zoom / aspect
    cos, sin = np.cos(angle), np.sin(angle)
    centre = 0.5 + rng.uniform(-0.5, 0.5, (count, 2)) * (1 - np.stack([width, height], axis=1))
    rows = [
        np.stack([flip * width * cos, -height * sin, centre[:, 0]], axis=1),
        np.stack([flip * width * sin, height * cos, centre[:, 1]], axis=1),
    ]
    return np.stack(rows, axis=1).astype(np.float32)


def draw_colour(rng: np.random.Generator, count: int, ranges: AugmentationConfig) -> Array:
    """Colour changes of `count` pictures, (count, 6) float32, as `app.training.augment.recolour` takes them."""

    def factor(spread: float, columns: int = 1) -> Array:
        return 1 + rng.uniform(-spread, spread, (count, columns))

    brightness = rng.uniform(-255, 255, (count, 1)) * ranges.brightness
    parts = [brightness, factor(ranges.contrast), factor(ranges.saturation), factor(ranges.white_balance, 3)]
    return np.concatenate(parts, axis=1).astype(np.float32)


def draw_boxes(rng: np.random.Generator, count: int, probability: float) -> Array:
    """Rectangles for `count` pictures, (count, 4) float32, each of up to half of the picture, or empty.

    Source: S. Yun and others, "CutMix", ICCV 2019; for masks: G. French and others, "Semi-supervised semantic
    segmentation needs strong, varied perturbations", BMVC 2020.
    """
    taken = rng.uniform(size=(count, 1)) < probability
    side = np.sqrt(rng.uniform(0, LARGEST_BOX, (count, 1)))
    shape = np.exp(rng.uniform(-1, 1, (count, 1)) * np.log(LONGEST_BOX) / 2)
    size = np.minimum(np.concatenate([side * shape, side / shape], axis=1), 1.0) * taken
    corner = rng.uniform(size=(count, 2)) * (1 - size)
    return np.concatenate([corner, corner + size], axis=1).astype(np.float32)
