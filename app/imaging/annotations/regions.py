"""Regions of a mask: what an annotation has one entry for, a class or a connected component of it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from app.core.errors import AnswerTooLargeError
from app.core.labels import Label
from app.imaging.annotations.components import NOTHING, Components, connected_components
from app.imaging.annotations.rings import Polygon, outlines
from app.imaging.annotations.runs import Indices, RunsByRegion, row_runs
from app.imaging.masks import Mask

MOST_COMPONENTS = 10_000
"""Entries of an answer; more have only masks of noise."""


@dataclass(frozen=True)
class Region:
    """A class, or a component of one; it has at least one pixel.

    Args:
        number: names it within its `Regions`.
        label: the class.
        pixels: number of its pixels.
        mean_confidence: mean probability of the class over its pixels, 0–1.
        bbox: (x, y, width, height) in pixels, COCO's convention.
    """

    number: int
    label: Label
    pixels: int
    mean_confidence: float
    bbox: tuple[int, int, int, int]


class Regions:
    """The regions of a mask, with their pixels as runs; iterating goes through them in the order of their numbers.

    Args:
        mask: the mask.
        split: whether each connected component is a region, else each class is one. A component's mean confidence is
            that of its class unless the mask kept its confidence.

    Raises:
        AnswerTooLargeError: more than `MOST_COMPONENTS` components.
    """

    def __init__(self, mask: Mask, split: bool = False) -> None:
        self.mask = mask
        self.split = split
        self.all = self._components() if split else self._classes()

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the mask."""
        return self.mask.classes.shape[0], self.mask.classes.shape[1]

    @cached_property
    def components(self) -> Components:
        """Components of the mask, regions or not."""
        return connected_components(self.mask.classes)

    @cached_property
    def rows(self) -> RunsByRegion:
        """The regions' runs in the row-major mask, cut where a row ends."""
        runs = self.components.runs if self.split else row_runs(self.mask.classes)
        return RunsByRegion(runs.starts, runs.stops, self.components.numbers if self.split else runs.values)

    @cached_property
    def columns(self) -> RunsByRegion:
        """The regions' runs in the column-major mask, cut where a column ends."""
        height, width = self.size
        runs = row_runs(np.ascontiguousarray(self.mask.classes.T))
        if not self.split:
            return RunsByRegion(runs.starts, runs.stops, runs.values)
        column, row = np.divmod(runs.starts, height)
        return RunsByRegion(runs.starts, runs.stops, self.components.at(row * width + column))

    @cached_property
    def polygons(self) -> tuple[Polygon, ...]:
        """Outlines of all components, in the order of their numbers.

        Raises:
            AnswerTooLargeError: they have too many vertices.
        """
        return outlines(self.mask.classes, lambda: self.components)

    def polygons_of(self, region: Region) -> tuple[Polygon, ...]:
        """The region's outlines, one for each of its components; raises as `polygons`."""
        if self.split:
            return (self.polygons[region.number],)
        return tuple(self.polygons[number] for number in self._numbers_by_class.get(region.number, ()))

    def crop(self, region: Region) -> NDArray[np.bool_]:
        """(height, width) bool: the region's pixels within its box."""
        left, top, width, height = region.bbox
        if not self.split:
            chosen: NDArray[np.bool_] = self.mask.classes[top : top + height, left : left + width] == region.label.id
            return chosen
        starts, stops = self.rows.of(region.number)
        row, column = np.divmod(starts, self.size[1])
        first = (row - top) * width + column - left
        changes = np.zeros(height * width + 1, np.int8)
        changes[first] = 1
        changes[first + stops - starts] -= 1  # where one run ends, the next may begin
        inside: NDArray[np.bool_] = np.cumsum(changes[:-1], dtype=np.int8).astype(np.bool_)
        return inside.reshape(height, width)

    @cached_property
    def _numbers_by_class(self) -> dict[int, list[int]]:
        """Numbers of the components of each class, ascending."""
        found = self.components
        decided = found.numbers != NOTHING
        numbers, firsts = np.unique(found.numbers[decided], return_index=True)
        by_class: dict[int, list[int]] = {}
        for number, class_id in zip(numbers.tolist(), found.runs.values[decided][firsts].tolist(), strict=True):
            by_class.setdefault(class_id, []).append(number)
        return by_class

    def _classes(self) -> tuple[Region, ...]:
        return tuple(
            Region(entry.label.id, entry.label, entry.pixels, entry.mean_confidence, entry.bbox)
            for entry in self.mask.statistics
            if entry.bbox is not None and entry.mean_confidence is not None
        )

    def _components(self) -> tuple[Region, ...]:
        found, width = self.components, self.size[1]
        if found.count > MOST_COMPONENTS:
            raise AnswerTooLargeError(
                f"the mask has {found.count:,} connected components, more than {MOST_COMPONENTS:,}: "
                "ask without components, or for fewer classes"
            )
        chosen = found.numbers != NOTHING
        numbers, starts, stops = found.numbers[chosen], found.runs.starts[chosen], found.runs.stops[chosen]
        rows, left = np.divmod(starts, width)
        low = np.full((2, found.count), self.mask.classes.size)
        high = np.zeros((2, found.count), np.int64)
        for axis, (first, last) in enumerate(((left, left + stops - starts), (rows, rows + 1))):
            np.minimum.at(low[axis], numbers, first)
            np.maximum.at(high[axis], numbers, last)
        pixels = np.bincount(numbers, stops - starts, found.count).astype(np.int64)
        class_ids = np.zeros(found.count, np.int64)
        class_ids[numbers] = found.runs.values[chosen]
        boxes = np.concatenate((low, high - low)).T.tolist()
        entries = self._confidences(numbers, chosen, pixels, class_ids).tolist()
        labels = [entry.label for entry in self.mask.statistics]
        return tuple(
            Region(number, labels[class_id], count, confidence, (box[0], box[1], box[2], box[3]))
            for number, (class_id, count, confidence, box) in enumerate(
                zip(class_ids.tolist(), pixels.tolist(), entries, boxes, strict=True)
            )
        )

    def _confidences(
        self, numbers: Indices, chosen: NDArray[np.bool_], pixels: Indices, class_ids: Indices
    ) -> NDArray[np.float64]:
        """(n,) float64: mean confidence of each component."""
        if self.mask.confidence is None:
            of_classes = np.array([entry.mean_confidence or 0.0 for entry in self.mask.statistics])
            means: NDArray[np.float64] = of_classes[class_ids]
            return means
        starts = self.components.runs.starts
        sums = np.add.reduceat(self.mask.confidence.ravel(), starts, dtype=np.float64)[chosen]
        return np.minimum(1.0, np.bincount(numbers, sums, len(pixels)) / pixels)
