"""A reader finds a thing by its folder, its file and its name."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_FILE = 400
LONGER = {Path("client.py"): 900}
"""One file because users copy it: ADR 22."""
BANNED_NAMES = {"utils.py", "util.py", "helpers.py", "helper.py", "common.py", "misc.py"}
ONLY_IN_TESTS = {"architecture", "cluster", "compat", "container", "e2e", "fixtures", "fuzz", "gameday", "web"}
"""Folders of tests that mirror no package."""


def python_files(folder: str) -> list[Path]:
    return sorted(path.relative_to(ROOT / folder) for path in (ROOT / folder).rglob("*.py"))


def modules() -> list[Path]:
    return [path for path in python_files("app") if not path.name.startswith("__")]


def test_every_module_has_its_test() -> None:
    assert Path("core/errors.py") in modules()
    tests = {path.parent / path.name.removeprefix("test_") for path in python_files("tests")}
    assert not [str(path) for path in modules() if path not in tests]


@pytest.mark.parametrize("folder", ["app", "tests"])
def test_names_say_something(folder: str) -> None:
    assert not [path for path in python_files(folder) if path.name in BANNED_NAMES]


@pytest.mark.parametrize("folder", ["app", "tests"])
def test_files_are_short(folder: str) -> None:
    lengths = {path: len((ROOT / folder / path).read_text().splitlines()) for path in python_files(folder)}
    assert not {path: length for path, length in lengths.items() if length > LONGER.get(path, LONGEST_FILE)}


def test_test_folders_mirror_packages() -> None:
    packages = {path.parent.parts[0] for path in python_files("app") if path.parent.parts}
    folders = {path.parent.parts[0] for path in python_files("tests") if path.parent.parts}
    assert folders - ONLY_IN_TESTS <= packages
