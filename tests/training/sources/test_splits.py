from pathlib import Path

import pytest

from app.core.errors import DataError
from app.training.sources.splits import Splits, lists_in, read_lists, split_name

EVERYTHING = ("a", "b", "c", "d", "e")


def splits(**lists: str) -> dict[str, str]:
    made = Splits(Path("data"), {split: list(names) for split, names in lists.items()}, EVERYTHING)
    return {split: "".join(made.of(split)) for split in made.names}


def write(folder: Path, **lists: str) -> None:
    for name, text in lists.items():
        (folder / f"{name}.txt").write_text(text)


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ({}, {"trainval": "abcde"}),
        ({"test": "e"}, {"test": "e", "trainval": "abcd"}),
        ({"validation": "d", "test": "e"}, {"test": "e", "trainval": "abc", "validation": "d"}),
        ({"trainval": "cba", "test": "e"}, {"test": "e", "trainval": "cba"}),
        ({"train": "ab", "validation": "c"}, {"trainval": "ab", "validation": "c"}),
        ({"train": "ab", "validation": "c", "trainval": "abc"}, {"trainval": "ab", "validation": "c"}),
        ({"trainval": "ab", "test": "b"}, {"test": "b", "trainval": "ab"}),  # a leak stays to be seen
        ({"all": "abcde"}, {"all": "abcde"}),
    ],
)
def test_what_is_trained_on(lists: dict[str, str], expected: dict[str, str]) -> None:
    assert splits(**lists) == expected


def test_a_split_that_is_not_there() -> None:
    with pytest.raises(DataError, match=r"data/final.txt: missing; the lists are test, trainval"):
        Splits(Path("data"), {"test": ["a"]}, EVERYTHING).of("final")
    with pytest.raises(DataError, match="the lists are none, for there is no picture with a mask"):
        Splits(Path("data"), {}, ()).of("trainval")


def test_names_of_lists() -> None:
    assert [split_name(stem) for stem in ("Val", "valid", "validation", "TEST", "training", "mine")] == [
        "validation",
        "validation",
        "validation",
        "test",
        "train",
        "mine",
    ]


def test_texts_that_are_no_lists(tmp_path: Path) -> None:
    for name in ("README.dataset.txt", "LICENSE.txt", "labelmap.txt", ".hidden.txt", "Val.txt", "notes.md"):
        (tmp_path / name).write_text("a\n")
    assert lists_in(tmp_path) == {"validation": tmp_path / "Val.txt"}
    assert lists_in(tmp_path / "nowhere") == {}


def test_two_lists_of_one_split(tmp_path: Path) -> None:
    write(tmp_path, val="a", validation="b")
    with pytest.raises(DataError, match=r"validation.txt: val.txt lists the pictures of `validation`, too; keep one"):
        lists_in(tmp_path)


def test_lists_are_read(tmp_path: Path) -> None:
    write(tmp_path, test="\ufeffb c\n\n# no name\n a \r\n")
    assert read_lists(lists_in(tmp_path), {"a", "b c"}) == {"test": ["b c", "a"]}


def test_every_problem_of_every_list(tmp_path: Path) -> None:
    write(tmp_path, empty="\n# nothing\n", test="a\nb\na\n", trainval="a.jpg\nx\n")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError) as refused:
        read_lists(lists_in(tmp_path), {"a", "b"})
    binary, empty, twice, unknown = refused.value.problems
    assert binary.startswith(f"{tmp_path / 'binary.txt'}: cannot be read")
    assert empty == f"{tmp_path / 'empty.txt'}: no picture is listed"
    assert twice == f"{tmp_path / 'test.txt'}: listed twice: a"
    assert unknown == f"{tmp_path / 'trainval.txt'}: no picture has the name a.jpg, x; names stand without suffix: a"


def test_pictures_without_a_mask_are_left_out_and_a_list_of_them_is_none(tmp_path: Path) -> None:
    write(tmp_path, train="a\nb\n", test="b\n")
    assert read_lists(lists_in(tmp_path), {"a"}, left_out={"b"}) == {"train": ["a"]}
