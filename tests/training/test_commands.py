import json
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from PIL import Image

from app.store.manifest import LabelEntry
from app.store.repository import ModelStore
from app.training import fit
from app.training.commands import FAILED, INTERRUPTED, evaluate, publish, train
from app.training.run import Run
from tests.training.conftest import SERVED_SIZE, GoneOn, PublishedRun, Segserve


def scores(stdout: str) -> dict[str, Any]:
    found = json.loads(stdout)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("command", [train, evaluate, publish])
def test_help_shows_examples(segserve: Segserve, command: click.Command) -> None:
    result = segserve(command.name or "", "--help")
    assert result.exit_code == 0
    assert f"segserve {command.name} " in result.stdout.partition("Example")[2]


def test_a_dry_run_stops_after_twenty_steps_with_a_sheet_and_the_time(gone_on: GoneOn) -> None:
    result = gone_on.dry_run
    assert result.exit_code == 0, result.output
    lines = result.stderr.splitlines()
    assert lines[0] == "22 pictures to train on, 6 to validate on; step 0 of 40"
    assert "images/s over the first 20 steps: about" in lines[1]
    assert "augmented.png" in gone_on.left
    assert "last.keras" not in gone_on.left


def test_wrong_data_prints_every_problem_before_the_first_step(
    segserve: Segserve, own_data: Path, config_file: Path, tmp_path: Path
) -> None:
    masks = sorted((own_data / "annotations" / "trimaps").iterdir())
    for mask in masks[:3]:
        mask.unlink()
    picture = own_data / "images" / "feral_3.jpg"
    picture.write_bytes(b"no picture")
    result = segserve("train", config_file, "--data", own_data, "--run", tmp_path / "run")
    assert result.exit_code == FAILED == 1
    assert "segserve: 4 problem(s) in the data:\n" in result.stderr
    assert all(str(path) in result.stderr for path in [*masks[:3], picture])
    assert "Traceback" not in result.output
    assert not (tmp_path / "run" / "augmented.png").exists()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["stpes=3", "batch_size=0"], "greater than or equal to 1\nstpes: unknown name; did you mean steps?\n"),
        (["network.filter=[8]"], "network.filter: unknown name; did you mean filters?"),
        (["colour=1"], "colour: unknown name; known: seed, size, "),
        (["validation_pictures=500"], "validation_pictures 500: 28 pictures, 21 of them eligible; ask for fewer"),
        (["sampling.lions=1"], "no training picture in group(s) lions"),
    ],
)
def test_a_wrong_configuration_is_named(
    segserve: Segserve, data: Path, config_file: Path, tmp_path: Path, overrides: list[str], message: str
) -> None:
    options = [option for override in overrides for option in ("--set", override)]
    result = segserve("train", config_file, "--data", data, "--run", tmp_path, *options)
    assert result.exit_code == FAILED
    assert message in result.stderr


def test_without_a_configuration_file(segserve: Segserve, data: Path, tmp_path: Path) -> None:
    result = segserve("train", "--data", data, "--run", tmp_path)
    assert result.exit_code == FAILED
    assert "give either `steps` or `epochs`" in result.stderr


def test_interrupted(
    segserve: Segserve, data: Path, config_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fit, "pack", interrupted)
    result = segserve("train", config_file, "--data", data, "--run", tmp_path)
    assert result.exit_code == INTERRUPTED == 130
    assert "the same command goes on from the last checkpoint" in result.stderr


def test_a_class_that_never_occurs_is_named(
    segserve: Segserve, own_data: Path, config_file: Path, tmp_path: Path
) -> None:
    for path in (own_data / "annotations" / "trimaps").iterdir():
        trimap = np.asarray(Image.open(path))
        Image.fromarray(np.where(trimap == 3, 1, trimap).astype(np.uint8)).save(path)
    result = segserve("train", config_file, "--data", own_data, "--run", tmp_path, "--set", "steps=1")
    assert result.exit_code == 0
    assert result.stderr.count("no pixel of any mask is") == 1
    assert "no pixel of any mask is border: the network will not learn it. Is that right?" in result.stderr


def test_without_matplotlib_it_says_so(
    segserve: Segserve, own_data: Path, config_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_data / "annotations" / "trainval.txt").unlink()
    monkeypatch.setattr("app.training.plots.can_plot", lambda: False)
    result = segserve("train", config_file, "--data", own_data, "--run", tmp_path)
    assert "no curves.png" in result.stderr.splitlines()[0]
    assert result.exit_code == FAILED


def test_publish_says_where(published: PublishedRun) -> None:
    assert published.result.exit_code == 0, published.result.output
    assert published.result.stdout == f"pets:1  {published.store.root / 'pets' / '1'}\n"
    assert published.store.aliases("pets") == {"production": 1}


def test_evaluate_gives_the_scores_that_were_published(segserve: Segserve, published: PublishedRun, data: Path) -> None:
    manifest = published.store.manifest(published.store.resolve("pets"))
    options = ["--data", data, "--model-store", published.store.root, "--json"]
    result = segserve("evaluate", "pets:production", *options)
    assert result.exit_code == 0, result.output
    found = scores(result.stdout)
    assert list(found) == ["test", "test, outline masks", "test, own masks"]
    for name, metrics in found.items():
        expected = manifest.metrics[name]
        assert metrics["pictures"] == expected.pictures
        assert metrics["mean_iou"] == pytest.approx(expected.mean_iou, abs=1e-4)
        assert metrics["iou"] == pytest.approx(expected.iou, abs=1e-4)
        assert expected.flip is not None
        assert metrics["flip"]["mean_iou"] == pytest.approx(expected.flip.mean_iou, abs=1e-4)


def test_evaluate_a_run_on_its_validation_pictures(segserve: Segserve, finished: Run, data: Path) -> None:
    result = segserve("evaluate", finished.folder, "--data", data, "--split", "validation", "--json")
    assert result.exit_code == 0, result.output
    (metrics,) = scores(result.stdout).values()
    rows = (finished.folder / "history.csv").read_text().splitlines()
    column = rows[0].split(",").index("validation_mean_iou")
    assert metrics["mean_iou"] == pytest.approx(max(float(row.split(",")[column]) for row in rows[1:]), abs=1e-3)
    assert metrics["pictures"] == 6


def test_evaluate_as_a_table_at_another_size(
    segserve: Segserve, finished: Run, published: PublishedRun, data: Path
) -> None:
    size = ["--size", str(SERVED_SIZE)]
    result = segserve("evaluate", finished.folder, "--data", data, "--split", "validation", *size)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("| split | pictures | mean IoU | IoU pet | IoU background | IoU border |")
    assert lines[2].startswith("| validation | 6 | ")
    manifest = published.store.manifest(published.store.resolve("pets"))
    assert float(lines[2].split("|")[3]) == pytest.approx(manifest.metrics["validation"].mean_iou, abs=0.002)


def test_a_model_of_other_classes_is_not_evaluated(
    segserve: Segserve, published: PublishedRun, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.training.oxford.OxfordPets.labels", (LabelEntry(id=0, name="cell", colour="#000000"),))
    result = segserve("evaluate", "pets", "--data", data, "--model-store", published.store.root)
    assert result.exit_code == FAILED
    assert "pets has the classes pet, background, border, the data has cell" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pets", "--size", "64"], "--size and --last are for runs"),
        (["pets", "--last"], "--size and --last are for runs"),
        (["cats"], "no model 'cats' in the store"),
        (["pets:7"], "no version 7 of pets"),
        (["runs/typo"], "runs/typo: there is no folder of a run"),
        (["pets", "--split", "final"], "final.txt: missing"),
    ],
)
def test_what_cannot_be_evaluated(
    segserve: Segserve, published: PublishedRun, data: Path, arguments: list[str], message: str
) -> None:
    result = segserve("evaluate", *arguments, "--data", data, "--model-store", published.store.root)
    assert result.exit_code == FAILED
    assert message in result.stderr


def test_a_folder_that_is_no_run(segserve: Segserve, data: Path) -> None:
    for command in (["evaluate", data], ["publish", data, "--name", "pets"]):
        result = segserve(*command, "--data", data)
        assert result.exit_code == FAILED
        assert f"{data} is not the folder of a run" in result.stderr


def test_a_run_at_an_impossible_size(segserve: Segserve, finished: Run, data: Path) -> None:
    result = segserve("evaluate", finished.folder, "--data", data, "--size", "50")
    assert result.exit_code == FAILED
    assert "multiples of 4" in result.stderr


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
