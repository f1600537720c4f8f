"""What folders of labelled pictures have in common whose lists are files of names."""

from abc import ABC, abstractmethod
from pathlib import Path

from app.training.sources.samples import Credit, Sample
from app.training.sources.splits import Splits, list_path


class ListedFolder(ABC):
    """A folder with samples by name, and lists of these names.

    Args:
        root: folder of the data set.
        lists: folder of its lists.
    """

    credits: tuple[Credit, ...] = ()

    def __init__(self, root: Path, lists: Path) -> None:
        self.root = root
        self.lists = lists

    @property
    @abstractmethod
    def _samples(self) -> dict[str, Sample]:
        """Pictures by name."""

    @property
    @abstractmethod
    def _splits(self) -> Splits:
        """Their names by split."""

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the lists, and `trainval`."""
        return self._splits.names

    def samples(self, split: str) -> list[Sample]:
        """The pictures of `trainval` or of any list.

        Raises:
            DataError: no such list, a broken one, or files that do not belong together.
        """
        return [self._samples[name] for name in self._splits.of(split)]

    def list_path(self, split: str) -> Path:
        """Where the list of a split is, or is to be written.

        Raises:
            DataError: the splits of this data set are not lists.
        """
        return list_path(self.lists, split)

    def list_line(self, sample: Sample) -> str:
        """What stands for a picture on a list."""
        return sample.name
