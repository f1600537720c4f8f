import json
from pathlib import Path
from typing import Any

import pytest

from app.store.manifest import LabelEntry
from app.training.commands.options import FAILED
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
    monkeypatch.setattr(
        "app.training.sources.oxford.OxfordPets.labels", (LabelEntry(id=0, name="cell", colour="#000000"),)
    )
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


def test_a_run_at_an_impossible_size(segserve: Segserve, finished: Run, data: Path) -> None:
    result = segserve("evaluate", finished.folder, "--data", data, "--size", "50")
    assert result.exit_code == FAILED
    assert "multiples of 4" in result.stderr
