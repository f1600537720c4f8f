import json
from pathlib import Path

import pytest

from app.core.errors import StoreUnavailableError
from app.store.bookkeeping import (
    ALIASES,
    HISTORY,
    MAX_BYTES,
    next_number,
    read_aliases,
    remember_numbers,
    write_aliases,
)


def test_aliases_round_trip_as_the_design_writes_them(tmp_path: Path) -> None:
    write_aliases(tmp_path, {"production": 12, "canary": 3})
    assert json.loads((tmp_path / ALIASES).read_text()) == {"canary": "3", "production": "12"}
    assert read_aliases(tmp_path) == {"canary": 3, "production": 12}


def test_no_file_means_no_aliases(tmp_path: Path) -> None:
    assert read_aliases(tmp_path) == {}
    assert read_aliases(tmp_path / "gone") == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"production": "1',
        "[]",
        "null",
        '{"production": 1}',
        '{"production": "0"}',
        '{"production": "1\\n"}',
        '{"production": "newest"}',
        '{"7": "1"}',
        '{"../x": "1"}',
        '{"production": "1"}' + " " * MAX_BYTES,
    ],
)
def test_a_torn_or_foreign_file_is_named_with_its_remedy(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "pets"
    folder.mkdir()
    (folder / ALIASES).write_text(text)
    with pytest.raises(StoreUnavailableError, match=r"pets/aliases.json is not valid: delete it and set the aliases"):
        read_aliases(folder)


def test_numbers_count_from_one(tmp_path: Path) -> None:
    assert [next_number(tmp_path) for _ in range(3)] == [1, 2, 3]
    assert json.loads((tmp_path / HISTORY).read_text()) == {"highest": 3}


def test_numbers_go_on_after_what_lies_there(tmp_path: Path) -> None:
    (tmp_path / "9").mkdir()
    (tmp_path / "10").touch()  # not even a version: its name is taken all the same
    (tmp_path / "011").mkdir()
    (tmp_path / ".tmp-12").mkdir()
    assert next_number(tmp_path) == 11


def test_remembered_numbers_are_not_given_again(tmp_path: Path) -> None:
    (tmp_path / "4").mkdir()
    remember_numbers(tmp_path)
    (tmp_path / "4").rmdir()
    remember_numbers(tmp_path)
    assert next_number(tmp_path) == 5


@pytest.mark.parametrize("text", ["", "{}", '{"highest": "3"}', '{"highest": 1.5}', "3"])
def test_without_a_readable_history_no_number_is_given(tmp_path: Path, text: str) -> None:
    (tmp_path / HISTORY).write_text(text)
    with pytest.raises(StoreUnavailableError, match=r'history.json is not valid: write \{"highest": N\} into it'):
        next_number(tmp_path)
    assert (tmp_path / HISTORY).read_text() == text
