from pathlib import Path

import pytest

from app.jobs.folder import Entry
from app.jobs.journal import is_done, note, recall, write_manifest
from app.jobs.local import LocalFolder
from app.jobs.row import Row


def row(path: str, fingerprint: str = "1", **more: object) -> Row:
    return Row(path, "done", fingerprint, answers={f"{path}.mask.png": 3}, **more)  # type: ignore[arg-type]


@pytest.fixture
def target(tmp_path: Path) -> LocalFolder:
    folder = LocalFolder(tmp_path)
    for name in "abc":
        folder.write(f"{name}.mask.png", b"123")
    return folder


def test_what_was_noted_is_recalled(target: LocalFolder) -> None:
    note(target, [row("b"), row("a")])
    note(target, [])
    note(target, [row("c")])
    known = recall(target, target.sizes())
    assert known == {name: row(name) for name in "abc"}
    write_manifest(target, [*known.values(), Row("n", "passed", "1")], target.sizes())
    assert [line.path for line in recall(target, target.sizes()).values()] == ["a", "b", "c"]
    assert not [path for path in target.sizes() if path.startswith(".segserve")]


def test_the_same_files_noted_again_are_one_part(target: LocalFolder) -> None:
    for seconds in (0.1, 0.2):
        note(target, [row("a", seconds=seconds), row("b")])
    assert len([path for path in target.sizes() if path.startswith(".segserve")]) == 1


def test_an_answer_that_is_not_there_is_not_noted(target: LocalFolder) -> None:
    with pytest.raises(FileNotFoundError):
        note(target, [row("gone")])
    assert recall(target, target.sizes()) == {}


@pytest.mark.parametrize(
    ("known", "sizes", "done"),
    [
        (row("a"), {"a.mask.png": 3}, True),
        (None, {"a.mask.png": 3}, False),
        (row("a", "2"), {"a.mask.png": 3}, False),
        (row("a"), {"a.mask.png": 2}, False),
        (row("a"), {}, False),
        (Row("a", "failed", "1"), {}, False),
    ],
)
def test_done_is_what_is_as_it_was(known: Row | None, sizes: dict[str, int], done: bool) -> None:
    assert is_done(Entry("a", 9, "1"), known, sizes) is done
