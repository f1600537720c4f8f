from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from app.core.command_line import FAILED
from app.training.run import Run
from tests.training.conftest import PublishedRun, Segserve


@pytest.fixture
def unlabelled(data: Path, tmp_path: Path) -> Path:
    """Five pictures without masks, and a list that says what they are."""
    folder = tmp_path / "more"
    folder.mkdir()
    for number, path in enumerate(sorted((data / "images").iterdir())[:5]):
        with Image.open(path) as image:
            ImageOps.flip(image).save(folder / f"more_{number}.jpg")  # no duplicate of what is labelled
    (tmp_path / "list.txt").write_text("more_0 1 2 17\nmore_3 1 1 4\n")
    return folder


def test_pictures_are_labelled_and_trained_on(
    segserve: Segserve,
    data: Path,
    unlabelled: Path,
    finished: Run,
    published: PublishedRun,
    config_file: Path,
    tmp_path: Path,
) -> None:
    out = tmp_path / "labelled"
    options = ["--pictures", unlabelled, "--like", data, "--out", out, "--strata", tmp_path / "list.txt"]
    teachers = [finished.folder, "pets:1", "--size", "32", "--size", "48", "--model-store", published.store.root]
    result = segserve("data", "label", *teachers, *options)
    assert result.exit_code == 0, result.output
    assert f"{out}: 5 pictures; " in result.stderr
    for path in unlabelled.iterdir():
        with Image.open(out / "masks" / f"{path.stem}.png") as mask, Image.open(path) as picture:
            assert mask.size == picture.size
            assert set(np.unique(np.asarray(mask))) <= {0, 1, 2, 255}
    assert "more_0,unlabelled,pseudo,2 17" in (out / "samples.csv").read_text()
    run = Run(tmp_path / "student")
    overrides = ["--set", "steps=2", "--set", 'sampling={"unlabelled"=1, "oxford"=1}']
    trained = segserve("train", config_file, "--data", data, "--data", out, "--run", run.folder, *overrides)
    assert trained.exit_code == 0, trained.output
    assert "27 pictures to train on, 6 to validate on" in trained.stderr
    assert run.data().training == 22 + 5


def test_a_folder_without_pictures(segserve: Segserve, data: Path, finished: Run, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    options = ["--like", data, "--out", tmp_path / "out"]
    for folder in (empty, tmp_path / "missing"):
        result = segserve("data", "label", finished.folder, "--pictures", folder, *options)
        assert result.exit_code == FAILED
        assert f"{folder}: no picture" in result.stderr
    assert not (tmp_path / "out").exists()
