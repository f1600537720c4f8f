import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import app
from app.store.manifest import Credit, DataSummary, LabelEntry, ManifestDraft, Preprocessing
from app.store.publish import publish_version
from app.store.repository import ModelStore, ModelVersion
from app.store.scores import Histogram, ReferenceDistribution, Scores, SplitMetrics

FILES: dict[str, Path | bytes] = {
    "model.keras": b"weights of the network" * 1000,
    "openvino/model.xml": b"<net/>",
    "openvino/model.bin": bytes(range(256)),
    "architecture.json": b"{}",
}

Program = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="session")
def draft() -> ManifestDraft:
    """What a run on the pets says of itself."""
    histogram = Histogram(edges=(0.0, 0.5, 1.0), counts=(3, 4))
    iou: dict[str, float | None] = {"pet": 0.8, "background": 0.9, "border": 0.5}
    plain = Scores(mean_iou=0.7333, iou=iou, dice=iou, pixel_accuracy=0.9, foreground_iou=0.85, cross_entropy=0.3)
    return ManifestDraft(
        labels=(
            LabelEntry(id=0, name="pet", colour="#ff8c00", role="foreground"),
            LabelEntry(id=1, name="background", colour="#000000", role="background"),
            LabelEntry(id=2, name="border", colour="#ffffff", role="border"),
        ),
        preprocessing=Preprocessing(size=(160, 192), resize="letterbox"),
        precision="float32",
        architecture={"input_size": [160, 192], "classes": 3, "intermediate_activation": None},
        training={"seed": 7, "optimiser": {"rate": 2e-3}},
        data=DataSummary(
            fingerprint="sha256:abc",
            pictures={"train": 1632, "validation": 120},
            credits=(Credit(name="Oxford-IIIT Pet", authors="Parkhi et al.", license="CC BY-SA 4.0"),),
        ),
        reference=ReferenceDistribution(
            brightness=histogram,
            confidence=histogram,
            class_share={"pet": histogram, "background": histogram, "border": histogram},
        ),
        metrics={"test": SplitMetrics(**dict(plain), pictures=184, flip=plain)},
        packages={"keras": "3.12.0"},
        source="0" * 40,
    )


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """An empty store whose folder does not exist yet."""
    return ModelStore(tmp_path / "model_store")


@pytest.fixture
def pets(store: ModelStore, draft: ManifestDraft) -> ModelVersion:
    """The first version of `pets`, published into `store`."""
    return publish_version(store, "pets", draft, FILES)


@pytest.fixture
def program() -> Iterator[Program]:
    """Starts a Python program in a process of its own, with the repository importable; `arguments` are its argv."""
    started: list[subprocess.Popen[str]] = []

    def start(source: str, *arguments: str | Path, cwd: Path | None = None) -> "subprocess.Popen[str]":
        search = f"import sys; sys.path.insert(0, {str(Path(app.__file__).parents[1])!r})\n"
        command = [sys.executable, "-c", search + source, *map(str, arguments)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=cwd)
        started.append(process)
        return process

    yield start
    for process in started:
        with process:  # closes its pipes, waits
            process.kill()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below the folder but the lock file: relative path → content."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
