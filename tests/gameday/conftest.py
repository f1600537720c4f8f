"""Game day: a service that is really broken, and what its clients see of it. For `make gameday` alone.

Each fault is a file `fault_*.py`. Its row in the table is what was counted, not what was expected; what has to hold is
asserted beside it.
"""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import skimage.data
from PIL import Image

from app.store.repository import ModelStore
from app.training.machine import processor
from tests.gameday.clients import Note

STORE = Path(__file__).parents[2] / "model_store"


ROWS = pytest.StashKey[list[str]]()
HEAD = ("fault", "what clients saw", "seconds", "lost", "what log, health and metrics said")


@pytest.fixture
def note(pytestconfig: pytest.Config) -> Iterator[Note]:
    """Adds a row to the table; each fault adds at least one."""
    rows = pytestconfig.stash.setdefault(ROWS, [])
    before = len(rows)

    def add(fault: str, clients: str, seconds: str, lost: str, told: str) -> None:
        rows.append(f"| {' | '.join((fault, clients, seconds, lost, told))} |")

    yield add
    assert len(rows) > before


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The table as Markdown."""
    head = [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}"]
    for line in ("", f"*{processor()}*", "", *head, *config.stash.get(ROWS, [])):
        terminalreporter.write_line(line)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """A copy of the shipped store."""
    return ModelStore(shutil.copytree(STORE, tmp_path / "store"))


@pytest.fixture(scope="session")
def photograph() -> bytes:
    """Chelsea the cat as a JPEG, 451×300."""
    return encoded(Image.fromarray(skimage.data.chelsea()))  # type: ignore[no-untyped-call]  # skimage ships no types


@pytest.fixture(scope="session")
def large_photograph() -> bytes:
    """The cat with 12 megapixels."""
    cat = Image.fromarray(skimage.data.chelsea())  # type: ignore[no-untyped-call]  # skimage ships no types
    return encoded(cat.resize((4000, 3000)))


def encoded(image: Image.Image) -> bytes:
    """As a JPEG."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()
