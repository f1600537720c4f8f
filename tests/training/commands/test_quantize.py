import json
import shutil
from pathlib import Path

import pytest

from app.core.command_line import FAILED
from app.store.repository import ModelStore
from app.training.quantize import Quantised
from tests.training.conftest import PublishedRun, Segserve


def test_quantize(segserve: Segserve, published: PublishedRun, data: Path, tmp_path: Path) -> None:
    store = ModelStore(shutil.copytree(published.store.root, tmp_path / "store"))
    options = ["--data", data, "--model-store", store.root, "--name", "small", "--alias", "production"]
    result = segserve("quantize", "pets:production", *options)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == f"small:1  {store.root / 'small' / '1'}"
    assert "in float32" in result.stderr
    assert "| test |" in result.stderr
    assert store.aliases("small") == {"production": 1}


def test_the_same_as_json(
    segserve: Segserve, published: PublishedRun, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = published.store.resolve("pets")
    made = Quantised(version, float32=0.75, int8=0.749, metrics=published.store.manifest(version).metrics)
    monkeypatch.setattr("app.training.quantize.quantise_version", lambda *arguments: made)
    result = segserve("quantize", "pets", "--data", data, "--model-store", published.store.root, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["name"], found["version"], found["float32"], found["int8"]) == ("pets", 1, 0.75, 0.749)
    assert found["metrics"]["test"]["pictures"] == made.metrics["test"].pictures


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--name", "My Pets"], "names are a-z"),
        (["--alias", "12"], "alias: '12' is no alias"),
    ],
)
def test_names_are_checked_first(
    segserve: Segserve, published: PublishedRun, data: Path, options: list[str], message: str
) -> None:
    result = segserve("quantize", "pets", "--data", data, "--model-store", published.store.root, *options)
    assert result.exit_code == FAILED
    assert message in result.stderr


def test_an_unknown_version(segserve: Segserve, published: PublishedRun, data: Path) -> None:
    result = segserve("quantize", "pets:9", "--data", data, "--model-store", published.store.root)
    assert result.exit_code == FAILED
    assert "no version 9 of pets" in result.stderr
