import os
from pathlib import Path

import pytest

from app.core.errors import DataError
from app.training.sources.listing import (
    PICTURE_SUFFIXES,
    files_by_name,
    is_one_line,
    some,
    suffix_hint,
    with_attributes,
)
from app.training.sources.samples import Sample


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def samples(*names: str) -> dict[str, Sample]:
    return {name: Sample(name, Path(f"{name}.jpg"), Path(f"{name}.png")) for name in names}


def test_names_are_paths_without_suffix(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "b.JPG",
        "a.b.png",
        "day 1/x.tiff",
        "day 1/y.heic",
        ".hidden.png",
        ".git/z.png",
        "._b.jpg",
        "notes.txt",
    )
    found = files_by_name(tmp_path, PICTURE_SUFFIXES)
    assert list(found) == ["a.b", "b", "day 1/x", "day 1/y"]
    assert found["day 1/x"] == tmp_path / "day 1" / "x.tiff"
    assert files_by_name(tmp_path / "nowhere", PICTURE_SUFFIXES) == {}


def test_two_files_of_one_name(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "a.png")
    with pytest.raises(DataError, match=r"a.png: a.jpg has the same name but for its suffix; keep one"):
        files_by_name(tmp_path, PICTURE_SUFFIXES)


@pytest.mark.parametrize("name", ["a\nb.png", os.fsdecode(b"\xff.png")])
def test_names_that_cannot_stand_in_a_list(tmp_path: Path, name: str) -> None:
    touch(tmp_path, name)
    with pytest.raises(DataError, match="control characters or broken UTF-8 in the name; rename it") as refused:
        files_by_name(tmp_path, PICTURE_SUFFIXES)
    refused.value.detail.encode()  # can be printed


def test_lines() -> None:
    assert is_one_line("Screenshot 10.00\u202fPM ñ")
    assert not is_one_line("a\x7f")


def test_some() -> None:
    assert some([1, 2]) == "1, 2"
    assert some(range(7)) == "0, 1, 2, 3, 4 and 2 more"
    assert some([]) == ""


def test_a_name_with_a_suffix_gets_a_hint() -> None:
    assert suffix_hint("a.b.jpg", {"a.b"}) == "; names stand without suffix: a.b"
    assert suffix_hint("c.jpg", {"a"}) == suffix_hint("a", {"a"}) == ""


def test_a_table_tells_more_of_some(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    path.write_text('\ufeffname,group,weight,source\n"a, 1", rex ,3,web\nb,,,\n', "utf-8")
    told = with_attributes(samples("b", "a, 1", "c"), path)
    assert list(told) == ["b", "a, 1", "c"]
    assert (told["a, 1"].group, told["a, 1"].source, told["a, 1"].stratum) == ("rex", "web", "")
    assert told["b"] == samples("b")["b"]


def test_without_a_table_nothing_more_is_known(tmp_path: Path) -> None:
    assert with_attributes(samples("a"), tmp_path / "samples.csv") == samples("a")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"no column `name` but \[\]"),
        (b"name;group\na;1\n", r"no column `name` but \['name;group'\]; columns are separated by commas"),
        (b"name,group\na,1\na,2\n", "two rows for a"),
        (b"name,group\na.jpg,1\n", "no picture has the name a.jpg; names stand without suffix: a"),
        (b"name\n,\n", "no picture has the name "),
        (b'name\n"a\n', "cannot be read"),
        (b"name\n\xff\n", "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_used(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "samples.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        with_attributes(samples("a"), path)


def test_rows_that_are_too_short_or_too_long(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    path.write_text("name,group,source\na\nb,g,s,more\n")
    told = with_attributes(samples("a", "b"), path)
    assert (told["a"].group, told["b"].group, told["b"].source) == ("", "g", "s")
