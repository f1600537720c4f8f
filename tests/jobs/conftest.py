"""A folder of pictures and what is none, and jobs on it with the tiny network."""

import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from app.cli import main
from app.core.settings import Precision, Settings
from app.inference.answers import SegmentOptions
from app.inference.engine import DeviceName, Engine, EngineName, Images, Probabilities
from app.inference.loaded import LoadedModel, load_model
from app.jobs.local import LocalFolder
from app.jobs.task import Task
from app.store.repository import ModelStore

Segserve = Callable[..., Result]


def drawn(seed: int, kind: str = "JPEG") -> bytes:
    """A small picture of its own size."""
    random = np.random.default_rng(seed)
    width, height = (int(side) for side in random.integers(30, 70, 2))
    file = io.BytesIO()
    Image.fromarray(random.integers(0, 255, (5, 6, 3), np.uint8)).resize((width, height)).save(file, kind)
    return file.getvalue()


@dataclass(frozen=True)
class Pictures:
    """A folder.

    Args:
        root: its path.
        names: of the pictures in it that are in order.
    """

    root: Path
    names: tuple[str, ...]


@pytest.fixture
def pictures(tmp_path: Path) -> Pictures:
    """Six pictures in folders, two of one name but for their kind; a broken one, an empty one, and no picture."""
    root = tmp_path / "pictures"
    kinds = {
        "a.jpg": "JPEG",
        "b/c.jpg": "JPEG",
        "b/c.png": "PNG",
        "b/d e.webp": "WEBP",
        "b/z/f.JPG": "JPEG",
        "g": "PNG",
    }
    for seed, (name, kind) in enumerate(kinds.items()):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(drawn(seed, kind))
    (root / "broken.jpg").write_bytes(drawn(0)[:200])
    (root / "b" / "empty.png").touch()
    (root / "notes.txt").write_text("no picture")
    (root / ".hidden.jpg").write_bytes(drawn(9))
    return Pictures(root, tuple(kinds))


@pytest.fixture
def settings(tiny_store_path: Path) -> Settings:
    """One thread, the tiny network."""
    return Settings(model_store=tiny_store_path, threads=1)


class Lent:
    """An engine that outlives whoever closes it.

    Args:
        engine: the real one.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name: EngineName = engine.name
        self.device: DeviceName = engine.device
        self.precision: Precision = engine.precision
        self.threads = engine.threads
        self.streams = engine.streams
        self.calls = engine.calls
        self.batch_sizes = engine.batch_sizes

    def infer(self, images: Images) -> Probabilities:
        """As the real one."""
        return self._engine.infer(images)

    def close(self) -> None:
        """Whoever made it does that."""


@pytest.fixture(scope="session")
def opened(tiny_store: ModelStore) -> Iterator[LoadedModel]:
    """The tiny network with one thread."""
    model = load_model(tiny_store, "pets", Settings(threads=1))
    yield model
    model.close()


@pytest.fixture
def model(opened: LoadedModel) -> LoadedModel:
    """The tiny network; whoever is given it may close it."""
    return replace(opened, engine=Lent(opened.engine))


@pytest.fixture
def task(model: LoadedModel, pictures: Pictures, tmp_path: Path) -> Task:
    """Masks of these pictures."""
    folders = LocalFolder(pictures.root), LocalFolder(tmp_path / "out")
    return Task(folders[0].url, folders[1].url, SegmentOptions(), model.identity)


@pytest.fixture
def segserve(tiny_store_path: Path, monkeypatch: pytest.MonkeyPatch) -> Segserve:
    """Runs `segserve segment` with the tiny network, in an environment without settings."""
    for name in [name for name in os.environ if name.startswith("SEGSERVE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SEGSERVE_MODEL_STORE", str(tiny_store_path))
    return lambda *arguments, **options: CliRunner().invoke(main, ["segment", *map(str, arguments)], **options)


def manifest(out: Path) -> list[dict[str, Any]]:
    """Lines of a job's manifest."""
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]


def answers(out: Path) -> dict[str, bytes]:
    """Content of each file of a job by its path, without its bookkeeping."""
    kept = (path for path in out.rglob("*") if path.is_file() and ".segserve" not in path.parts)
    found = {path.relative_to(out).as_posix(): path.read_bytes() for path in kept}
    return {path: content for path, content in found.items() if path not in ("job.json", "manifest.jsonl")}
