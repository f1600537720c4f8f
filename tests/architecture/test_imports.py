"""Imports point down only, and a server starts without the libraries that it doesn't use."""

import os
import re
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


DOWN = "Imports point down"
WRONG = [
    ("core/errors.py", "import app.imaging.decode", DOWN, "app.core.errors -> app.imaging.decode "),
    ("store/names.py", "import app.nn.blocks", DOWN, "app.store.names -> app.nn.blocks "),
    ("api/state.py", "import app.training.fit", DOWN, "app.api.state -> app.training.fit "),
    ("client.py", "import app.core.errors", DOWN, "app.client -> app.core.errors "),
    ("unplaced.py", "import app.core.errors", DOWN, "- app.unplaced\n"),
    ("inference/segmenter.py", "import starlette.requests", "HTTP only in api and main", "segmenter -> starlette "),
    ("inference/segmenter.py", "import opentelemetry.trace", "OpenTelemetry only in api", "-> opentelemetry "),
    ("api/state.py", "import openvino", "No engine outside nn, inference and training", "app.api.state -> openvino "),
    ("jobs/plan.py", "import app.training.run", DOWN, "app.jobs.plan -> app.training.run "),
    ("inference/segmenter.py", "import ray", "Ray only in jobs", "segmenter -> ray "),
    ("jobs/crew.py", "import openvino", "No engine outside nn, inference and training", "app.jobs.crew -> openvino "),
    ("nn/blocks.py", "import tensorflow", "The network is backend-neutral", "app.nn.blocks -> tensorflow "),
]
"""Modules, imports that they must not have, and where and how they are told."""


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is said of each contract where all of those imports are there at once."""
    folder = tmp_path_factory.mktemp("wrong")
    shutil.copytree(ROOT / "app", folder / "app", ignore=shutil.ignore_patterns("__pycache__"))
    for module, line, _, _ in WRONG:
        with (folder / "app" / module).open("a") as file:
            file.write(f"\n{line}\n")
    result = lint_imports(folder)
    assert result.returncode == 1
    _, _, told = result.stdout.partition("Broken contracts\n")
    _, *parts = re.split(r"^(.+)\n-+\n", told, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize(("module", "line", "contract", "told"), WRONG)
def test_import_contracts_catch_a_wrong_import(
    broken: dict[str, str], module: str, line: str, contract: str, told: str
) -> None:
    assert told in broken[contract], f"{line} in {module}"


def run_python(code: str, *options: str) -> list[str]:
    command = [sys.executable, *options, "-c", code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()


def test_serving_starts_without_engine_and_training_libraries() -> None:
    loaded = run_python("import sys, app.main, app.cli, app.api.server; print(*sys.modules)")
    assert "fastapi" in loaded
    assert not {
        "tensorflow",
        "keras",
        "openvino",
        "matplotlib",
        "opentelemetry.sdk",
        "requests",
        "ray",
        "app.jobs",
    } & set(loaded)


def test_gpus_are_seen_with_the_standard_library_alone() -> None:
    """`make serve` asks before anything is installed."""
    code = "import sys; sys.path.insert(0, '.'); from app.inference.devices import visible_gpus; print(visible_gpus())"
    assert run_python(code, "-I", "-S")[0].isdecimal()
