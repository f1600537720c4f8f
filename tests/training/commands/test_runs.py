import json
from pathlib import Path

import pytest
from PIL import Image

from app.core.command_line import FAILED
from tests.training.conftest import Segserve
from tests.training.test_runs import made


def test_a_line_for_each_run(segserve: Segserve, tmp_path: Path) -> None:
    made(tmp_path / "first", end=True)
    made(tmp_path / "second", "epochs=2", scores=())
    (tmp_path / "second" / "data.json").unlink()
    (tmp_path / "second" / "code.json").unlink()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text("{")
    result = segserve("runs", tmp_path)
    assert result.exit_code == 0
    head, first, second = [line.split("  ") for line in result.stdout.splitlines()]
    assert [cell.strip() for cell in head if cell][:5] == ["run", "state", "step", "of", "pictures seen"]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in (first, second)]
    assert cells == [
        ["first", "finished", "30", "40", "480", "0.6000", "0.5000", "2026-11-24 12:30"],
        ["second", "stopped", "0", "?", "0", "–", "–", "–"],
    ]
    assert f"segserve: skipped {tmp_path / 'other'} is not the folder of a run" in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_same_as_json(segserve: Segserve, tmp_path: Path) -> None:
    made(tmp_path / "first")
    (run,) = json.loads(segserve("runs", tmp_path, "--json").stdout)
    assert run == {
        **{"name": "first", "state": "stopped", "step": 30, "steps": 40, "pictures": 480},
        **{"best": 0.6, "last": 0.5, "started": "2026-11-24 12:30:00+00:00"},
    }


def test_no_runs(segserve: Segserve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = segserve("runs", tmp_path)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"no runs in {tmp_path}\n")
    monkeypatch.chdir(tmp_path)
    result = segserve("runs")
    assert result.exit_code == FAILED
    assert result.stderr.startswith("segserve: runs: there is no such folder")


def test_two_runs_side_by_side(segserve: Segserve, tmp_path: Path) -> None:
    one = made(tmp_path / "a").folder
    other = made(tmp_path / "b", "network.block=conv", f"init={'x' * 60}", scores=(0.65,)).folder
    result = segserve("runs", one, other)
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == [str(one), str(other)]
    assert ["network.block", "separable", "conv"] in lines
    assert ["init", "–", "x" * 47 + "…"] in lines
    assert lines[-3:-1] == [["best", "mean", "IoU", "0.6000", "0.6500"], ["last", "0.5000", "0.6500"]]
    assert result.stdout.endswith("the second is +0.0500 mean IoU from the first\n")


def test_two_runs_as_json(segserve: Segserve, tmp_path: Path) -> None:
    one, other = made(tmp_path / "a").folder, made(tmp_path / "b", "seed=3", scores=(0.65,)).folder
    report = json.loads(segserve("runs", one, other, "--json").stdout)
    assert report["differences"] == [{"name": "seed", "first": 0, "second": 3}]
    assert [run["best"] for run in report["runs"]] == [0.6, 0.65]
    assert report["gain"] == pytest.approx(0.05)


def test_scores_on_different_pictures_are_not_compared(segserve: Segserve, tmp_path: Path) -> None:
    one, other = made(tmp_path / "a"), made(tmp_path / "b")
    other.write_validation(["a", "c"])
    result = segserve("runs", one.folder, other.folder)
    assert result.stdout.endswith("validated on different pictures: the scores cannot be compared\n")


def test_before_the_first_validation(segserve: Segserve, tmp_path: Path) -> None:
    one, other = made(tmp_path / "a", scores=()), made(tmp_path / "b")
    result = segserve("runs", one.folder, other.folder)
    assert result.stdout.splitlines()[-1].split() == ["last", "–", "0.5000"]


@pytest.mark.parametrize(("count", "message"), [(2, "is not the folder of a run"), (3, "one folder to list its runs")])
def test_wrong_folders(segserve: Segserve, tmp_path: Path, count: int, message: str) -> None:
    result = segserve("runs", *[tmp_path] * count)
    assert result.exit_code == FAILED
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_their_curves_in_a_picture(segserve: Segserve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, scores in (("a", (0.2, 0.6)), ("b", (0.3, 0.5))):
        run = made(tmp_path / name, scores=())
        run.write_history(
            [{"step": 10.0 * n, "pictures": 80.0 * n, "validation_mean_iou": s} for n, s in enumerate(scores, start=1)]
        )
    listed, compared = tmp_path / "listed.png", tmp_path / "compared.png"
    assert segserve("runs", tmp_path, "--curves", listed).exit_code == 0
    assert segserve("runs", tmp_path / "a", tmp_path / "b", "--curves", compared).exit_code == 0
    assert listed.read_bytes() == compared.read_bytes()
    with Image.open(listed) as image:
        assert image.format == "PNG"
    monkeypatch.setattr("app.training.plots.can_plot", lambda: False)
    result = segserve("runs", tmp_path, "--curves", tmp_path / "none.png")
    assert result.exit_code == FAILED
    assert "segserve[train]" in result.stderr
    assert not (tmp_path / "none.png").exists()
