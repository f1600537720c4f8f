from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.core.errors import TrainingError
from app.imaging.observation import Observation
from app.nn.metrics import mean_iou
from app.training.evaluation.pictures import PictureResult, total_scores
from app.training.sources.oxford import PETS
from app.training.sources.samples import Sample
from app.training.study.outcome import StudyRun
from tests.training.study.drawn_study import drawn_outcome, tiny_study


def results(seed: int, names: str = "abcd") -> list[PictureResult]:
    """Pictures of which a network gets about two thirds right."""
    random = np.random.default_rng(seed)
    drawn = [random.integers(0, 20, (3, 3)) + 40 * np.eye(3, dtype=np.int64) for _ in names]
    rest = np.zeros((4, 3), np.int64), np.ones((3, 15))
    return [
        PictureResult(
            Sample(name, Path(), Path()), matrix, *rest, cross_entropy=30.0, observation=Observation(0.5, 0.5, ())
        )
        for name, matrix in zip(names, drawn, strict=True)
    ]


def row(step: int, of_step: list[PictureResult]) -> dict[str, float]:
    """Of the history, as `Fit` writes it."""
    scores = total_scores(of_step, PETS)
    by_class = {f"validation_iou_{name}": value or 0.0 for name, value in scores.iou.items()}
    entropy = scores.cross_entropy or 0.0
    return {"step": step, "validation_mean_iou": scores.mean_iou, "validation_cross_entropy": entropy, **by_class}


@pytest.fixture
def run(tmp_path: Path) -> StudyRun:
    (first, *_) = tiny_study(tmp_path, blocks=1).runs
    first.run.open(first.config)
    return first


def test_the_outcome_of_a_run(run: StudyRun) -> None:
    validations = {10: results(0), 20: results(1), 30: results(2)}
    for step, found in validations.items():
        run.keep_validation(step, found)
    (run.run.checkpoints / "step-000000030").mkdir(parents=True)
    run.run.write_history([{"step": 1.0}])
    history = [row(step, found) for step, found in validations.items()]
    assert run.outcome() is None
    outcome = run.finish(history, results(3), PETS)
    assert run.outcome() == outcome
    assert (outcome.configuration, outcome.block, outcome.steps) == ("base", 0, (10, 20, 30))
    assert outcome.mean_iou == pytest.approx([line["validation_mean_iou"] for line in history], abs=1e-6)
    assert outcome.validation.mean_iou == outcome.mean_iou[-1]
    assert outcome.validation.iou["pet"] == pytest.approx(history[-1]["validation_iou_pet"], abs=1e-6)
    assert outcome.training.mean_iou == pytest.approx(total_scores(results(3), PETS).mean_iou, abs=1e-6)
    without_c = [
        mean_iou(np.sum([r.matrix for r in found if r.sample.name != "c"], axis=0)) for found in validations.values()
    ]
    assert outcome.left_out[2] == pytest.approx(without_c[-1], abs=1e-7)
    assert outcome.left_out_area[2] == pytest.approx(without_c[0] / 4 + without_c[1] / 2 + without_c[2] / 4, abs=1e-7)
    assert not run.run.checkpoints.exists()


def test_pictures_are_in_the_order_of_their_names_however_they_were_scored(run: StudyRun) -> None:
    found = results(0)
    history = [row(10, found)]
    run.keep_validation(10, found)
    ordered = run.finish(history, found, PETS)
    run.keep_validation(10, found[::-1])
    assert run.finish(history, found, PETS) == ordered


def test_a_class_that_is_nowhere(run: StudyRun) -> None:
    found = [replace(result, matrix=np.diag([5, 5, 0])) for result in results(0)]
    run.keep_validation(10, found)
    history = row(10, found) | {"validation_iou_border": float("nan")}
    outcome = run.finish([history], found, PETS)
    assert outcome.validation.iou == outcome.training.iou == {"pet": 1.0, "background": 1.0, "border": None}


def test_a_damaged_outcome(run: StudyRun) -> None:
    (run.run.folder / "outcome.json").write_text("{")
    with pytest.raises(TrainingError, match=r"outcome\.json is damaged; delete .* to make the run again"):
        run.outcome()


def test_an_outcome_of_another_configuration(tmp_path: Path, run: StudyRun) -> None:
    (run.run.folder / "outcome.json").write_text(drawn_outcome("base", 0).model_dump_json())
    run.run.write_history([{"step": 1.0}])
    assert run.outcome() == drawn_outcome("base", 0)
    other = StudyRun(run.run.folder, run.config.model_copy(update={"steps": 9}), "base", 0)
    with pytest.raises(TrainingError, match="holds a run with another steps"):
        other.outcome()
