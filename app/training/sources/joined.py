"""Several data sets of the same classes as one."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.core.errors import DataError
from app.core.labels import LabelMap
from app.training.sources.listing import some
from app.training.sources.samples import Credit, DataSource, Sample

Array = np.ndarray[Any, np.dtype[Any]]


class JoinedSource:
    """The union of data sets, list by list.

    Colours and roles of the classes are those of the first.

    Args:
        sources: at least one.

    Raises:
        DataError: other classes than in the first, or a name that pictures of two have.
    """

    def __init__(self, sources: Sequence[DataSource]) -> None:
        self._sources = tuple(sources)
        expected, *others = ([label.name for label in source.labels] for source in sources)
        if different := [names for names in others if names != expected]:
            raise DataError(
                [
                    f"data sets are joined that have the same classes: {', '.join(expected)}, not {', '.join(names)}"
                    for names in different
                ]
            )
        self._source_of = self._by_name()

    def _by_name(self) -> dict[str, DataSource]:
        """The data set of each picture."""
        found: dict[str, DataSource] = {}
        twice = []
        for source in self._sources:
            names = {sample.name for split in source.splits for sample in source.samples(split)}
            twice += sorted(names & set(found))
            found |= dict.fromkeys(names, source)
        if twice:
            raise DataError([f"pictures of two data sets have the name {some(twice)}; rename those of one"])
        return found

    @property
    def labels(self) -> LabelMap:
        """The classes."""
        return self._sources[0].labels

    @property
    def credits(self) -> tuple[Credit, ...]:
        """Whom the data is owed to."""
        return tuple(dict.fromkeys(credit for source in self._sources for credit in source.credits))

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the lists that any of them has."""
        return tuple(sorted({split for source in self._sources for split in source.splits}))

    def samples(self, split: str) -> list[Sample]:
        """The pictures of a split in all data sets that have it.

        Raises:
            DataError: none has it, or a broken list.
        """
        having = [source for source in self._sources if split in source.splits]
        return [sample for source in having or self._sources[:1] for sample in source.samples(split)]

    def mask(self, sample: Sample) -> Array:
        """Class ids or 255, (H, W) uint8.

        Raises:
            DataError: as the data set of the sample.
        """
        return self._source_of[sample.name].mask(sample)
