"""Imports point down only, and a server starts without the libraries that it doesn't use."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [
        Path(sys.executable).with_name("lint-imports"),
        "--no-cache",
        "--config",
        ROOT / "pyproject.toml",
    ]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_import_contracts_hold() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("core/errors.py", "import app.imaging.decode", "Imports point down"),
        ("store/names.py", "import app.nn.blocks", "Imports point down"),
        ("api/state.py", "import app.training.fit", "Imports point down"),
        ("client.py", "import app.core.errors", "Imports point down"),
        ("unplaced.py", "import app.core.errors", "Imports point down"),
        ("inference/segmenter.py", "import starlette.requests", "HTTP only in api and main"),
        ("inference/segmenter.py", "import opentelemetry.trace", "OpenTelemetry only in api"),
        ("api/state.py", "import openvino", "No engine outside nn, inference and training"),
        ("nn/blocks.py", "import tensorflow", "The network is backend-neutral"),
    ],
)
def test_import_contracts_catch_a_wrong_import(tmp_path: Path, module: str, line: str, contract: str) -> None:
    shutil.copytree(ROOT / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "app" / module).open("a") as file:
        file.write(f"\n{line}\n")
    result = lint_imports(tmp_path)
    assert result.returncode == 1
    assert f"{contract} BROKEN" in result.stdout


def run_python(code: str, *options: str) -> list[str]:
    command = [sys.executable, *options, "-c", code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()


def test_serving_starts_without_engine_and_training_libraries() -> None:
    loaded = run_python("import sys, app.main, app.cli, app.api.server; print(*sys.modules)")
    assert "fastapi" in loaded
    assert not {"tensorflow", "keras", "openvino", "matplotlib", "opentelemetry.sdk", "requests"} & set(loaded)


def test_gpus_are_seen_with_the_standard_library_alone() -> None:
    """`make serve` asks before anything is installed."""
    code = "import sys; sys.path.insert(0, '.'); from app.inference.devices import visible_gpus; print(visible_gpus())"
    assert run_python(code, "-I", "-S")[0].isdecimal()
