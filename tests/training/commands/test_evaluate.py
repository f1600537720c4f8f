import json
from pathlib import Path
from typing import Any

import pytest

from app.core.command_line import FAILED
from app.store.manifest import LabelEntry
from app.training.run import Run
from tests.training.conftest import SERVED_SIZE, PublishedRun, Segserve


def scores(stdout: str) -> dict[str, Any]:
    found = json.loads(stdout)
    assert isinstance(found, dict)
    return found


def test_evaluate_gives_the_scores_that_were_published(segserve: Segserve, published: PublishedRun, data: Path) -> None:
    manifest = published.store.manifest(published.store.resolve("pets"))
    options = ["--data", data, "--model-store", published.store.root, "--json"]
    result = segserve("evaluate", "pets:production", *options)
    assert result.exit_code == 0, result.output
    document = scores(result.stdout)
    assert (document["network"], document["split"]) == (f"pets:1 at {SERVED_SIZE}×{SERVED_SIZE}", "test")
    found = document["metrics"]
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
    (metrics,) = scores(result.stdout)["metrics"].values()
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
    assert "| measure | without flip | 95 % interval |" in lines


def test_a_run_against_the_model_that_came_of_it(
    segserve: Segserve, finished: Run, published: PublishedRun, data: Path, tmp_path: Path
) -> None:
    """The same weights, but for the temperature, which changes no winner at the network's size."""
    options = ["--data", data, "--model-store", published.store.root, "--split", "validation"]
    other = ["--against", "pets", "--against-size", "32"]
    result = segserve("evaluate", finished.folder, *other, *options, "--json")
    assert result.exit_code == 0, result.output
    assert "careful" not in result.stderr
    comparison = scores(result.stdout)["comparison"]
    assert comparison["network"] == "pets:1 at 32×32"
    differences = {each["measure"]: each for each in comparison["differences"]}
    assert abs(differences["mean IoU"]["value"]) < 0.01
    text = segserve("evaluate", "pets", "--against", finished.folder, *options).stdout
    assert "| difference in | first less second | 95 % interval | draws above zero |" in text


def test_pictures_that_a_run_was_trained_on_are_named(segserve: Segserve, finished: Run, data: Path) -> None:
    result = segserve("evaluate", finished.folder, "--data", data, "--split", "trainval")
    assert result.exit_code == 0, result.output
    assert f"careful: {finished.folder} may have been trained on 22 of these pictures" in result.stderr


def test_a_report(segserve: Segserve, published: PublishedRun, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "pets"
    options = ["--data", data, "--model-store", published.store.root, "--report", folder, "--json"]
    result = segserve("evaluate", "pets", *options)
    assert result.exit_code == 0, result.output
    assert f"see {folder / 'index.html'}" in result.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["index.html", "report.json"]
    document = json.loads((folder / "report.json").read_text())
    assert document == scores(result.stdout)
    page = (folder / "index.html").read_text("utf-8")
    assert f"<h1>pets:1 at {SERVED_SIZE}×{SERVED_SIZE} on test</h1>" in page
    assert page.count("<img ") == 2 * 8 * 4  # all 8 pictures are the worst, and are drawn
    assert all(picture["name"] in page for picture in document["pictures"])


def test_a_report_where_a_file_is(segserve: Segserve, data: Path, tmp_path: Path) -> None:
    """It is found before anything is computed."""
    (tmp_path / "file").write_text("mine")
    result = segserve("evaluate", "no-such-model", "--data", data, "--report", tmp_path / "file")
    assert result.exit_code == FAILED
    assert "file: the folder cannot be made" in result.stderr
    assert (tmp_path / "file").read_text() == "mine"


def test_a_model_of_other_classes_is_not_evaluated(
    segserve: Segserve, published: PublishedRun, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "app.training.sources.oxford.OxfordPets.labels", (LabelEntry(id=0, name="cell", colour="#000000"),)
    )
    result = segserve("evaluate", "pets", "--data", data, "--model-store", published.store.root)
    assert result.exit_code == FAILED
    assert "pets has the classes pet, background, border, the data has cell" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pets", "--size", "50"], "multiples of 4"),
        (["pets", "--last"], "--last is for runs; pets is a published model"),
        (["pets", "--against", "pets", "--against-size", "50"], "multiples of 4"),
        (["pets", "--split", "validation"], "validation.txt: missing"),
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


def test_a_run_at_an_impossible_size(segserve: Segserve, finished: Run, data: Path) -> None:
    result = segserve("evaluate", finished.folder, "--data", data, "--size", "50")
    assert result.exit_code == FAILED
    assert "multiples of 4" in result.stderr
