from functools import cached_property
from pathlib import Path

import pytest

from app.core.errors import DataError
from app.training.sources.listed import ListedFolder
from app.training.sources.samples import Sample
from app.training.sources.splits import Splits, lists_in, read_lists


class Letters(ListedFolder):
    """Pictures a to e."""

    @cached_property
    def _samples(self) -> dict[str, Sample]:
        return {name: Sample(name, self.root / f"{name}.jpg", self.root / f"{name}.png") for name in "abcde"}

    @cached_property
    def _splits(self) -> Splits:
        return Splits(self.lists, read_lists(lists_in(self.lists), self._samples), self._samples)


@pytest.fixture
def letters(tmp_path: Path) -> Letters:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "test.txt").write_text("b\nd\n")
    return Letters(tmp_path, tmp_path / "lists")


def test_samples_of_each_list(letters: Letters) -> None:
    assert letters.splits == ("test", "trainval")
    assert [sample.name for sample in letters.samples("test")] == ["b", "d"]
    assert [sample.name for sample in letters.samples("trainval")] == ["a", "c", "e"]
    with pytest.raises(DataError, match="missing; the lists are test, trainval"):
        letters.samples("other")


def test_where_lists_are_and_what_stands_on_them(letters: Letters) -> None:
    assert letters.list_path("test") == letters.lists / "test.txt"
    assert letters.list_path("validation") == letters.lists / "validation.txt"
    assert letters.list_line(letters.samples("test")[0]) == "b"
    assert letters.credits == ()
