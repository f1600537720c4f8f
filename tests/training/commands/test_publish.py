from pathlib import Path

import pytest

from app.store.repository import ModelStore
from app.training.commands.options import FAILED
from app.training.run import Run
from tests.training.conftest import PublishedRun, Segserve


def test_publish_says_where(published: PublishedRun) -> None:
    assert published.result.exit_code == 0, published.result.output
    assert published.result.stdout == f"pets:1  {published.store.root / 'pets' / '1'}\n"
    assert published.store.aliases("pets") == {"production": 1}


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
