"""A drawn data set in the layout of folders, to be broken."""

from pathlib import Path

import pytest

from app.training.checking.check import CheckResult, check
from app.training.sources.opening import open_source
from tests.fixtures.drawn_shapes import CLASSES_TOML, draw_scenes, write_folder


@pytest.fixture
def shapes(tmp_path: Path) -> Path:
    """Twelve pictures of three classes and background, scene000 … scene011; the last three are on the list `test`.

    255 is undecided.
    """
    scenes = draw_scenes(12)
    root = write_folder(tmp_path / "shapes", scenes[:9], scenes[9:])
    (root / "classes.toml").write_text(f"ignore = [255]\n{CLASSES_TOML}")
    return root


def checked(root: Path) -> CheckResult:
    """What a check finds."""
    return check(open_source(root), lambda done, total: None)


def found(result: CheckResult) -> dict[str, list[str]]:
    """Names of the problems by the name of their kind."""
    names: dict[str, list[str]] = {}
    for finding in result.findings:
        names.setdefault(finding.kind.name, []).extend(problem.name for problem in finding.problems)
    return names
