import json
import shutil
from pathlib import Path

import pytest

from app.core.command_line import FAILED
from app.store.repository import ModelStore
from app.training.evaluation.scoring import table
from app.training.run import Run
from tests.training.conftest import SERVED_SIZE, PublishedRun, Segserve


def test_publish_says_where(published: PublishedRun) -> None:
    assert published.result.exit_code == 0, published.result.output
    assert published.result.stdout == f"pets:1  {published.store.root / 'pets' / '1'}\n"
    assert published.store.aliases("pets") == {"production": 1}


def test_publish_shows_the_scores(published: PublishedRun) -> None:
    manifest = published.store.manifest(published.store.resolve("pets"))
    assert table(manifest.metrics) in published.result.stderr


def test_publish_twice(segserve: Segserve, published: PublishedRun, finished: Run, data: Path, tmp_path: Path) -> None:
    store = ModelStore(shutil.copytree(published.store.root, tmp_path / "store"))
    temperature = store.manifest(store.resolve("pets")).temperature
    options = ["--data", data, "--name", "pets", "--model-store", store.root, "--size", str(SERVED_SIZE)]
    again = segserve("publish", finished.folder, *options, "--temperature", str(temperature))
    assert again.exit_code == FAILED
    assert "pets:1 is this very network already; nothing was published" in again.stderr
    warmer = segserve("publish", finished.folder, *options, "--temperature", "2.5", "--json")
    assert warmer.exit_code == 0, warmer.output
    found = json.loads(warmer.stdout)
    assert (found["name"], found["version"], found["path"]) == ("pets", 2, str(store.root / "pets" / "2"))
    assert found["metrics"]["test"]["mean_iou"] == store.manifest(store.resolve("pets:2")).metrics["test"].mean_iou
    assert store.manifest(store.resolve("pets:2")).temperature == 2.5


@pytest.mark.parametrize("temperature", ["0", "5", "warm"])
def test_a_temperature_that_cannot_be(segserve: Segserve, tmp_path: Path, temperature: str) -> None:
    result = segserve("publish", tmp_path, "--data", tmp_path, "--name", "pets", "--temperature", temperature)
    assert result.exit_code == 2
    assert "--temperature" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--name", "My Pets"], "no model 'My Pets': names are a-z"),
        (["--name", "pets", "--alias", "12"], "alias: '12' is no alias"),
        (["--name", "pets", "--alias", ""], "alias: '' is no alias"),
    ],
)
def test_names_are_checked_before_anything_is_published(
    segserve: Segserve, finished: Run, data: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    result = segserve("publish", finished.folder, "--data", data, "--model-store", tmp_path / "store", *options)
    assert result.exit_code == FAILED
    assert message in result.stderr
    assert not (tmp_path / "store").exists()


def test_without_openvino_publish_says_so(
    segserve: Segserve, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.training.export.has_openvino", lambda: False)
    result = segserve("publish", tmp_path, "--data", data, "--name", "pets", "--model-store", tmp_path / "store")
    assert "OpenVINO is not installed: the version will have no files for its engine" in result.stderr
    assert result.exit_code == FAILED
    assert ModelStore(tmp_path / "store").root.exists() is False
