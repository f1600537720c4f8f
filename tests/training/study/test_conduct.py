import shutil
from pathlib import Path

import numpy as np
import pytest

from app.core.errors import TrainingError
from app.training.fit import Fit
from app.training.run import Run
from app.training.sources.oxford import OxfordPets
from app.training.study.conduct import conduct, training_sample
from app.training.study.plan import Study
from tests.training.study.conftest import MadeStudy, Notes
from tests.training.study.drawn_study import tiny_study, write_facts

FIRST, SECOND = "block 0, base", "block 1, base"
MADE = [("step", 1, 2), ("validated", 1), ("step", 2, 2), ("validated", 2)]


def test_it_goes_on_wherever_it_was_ended(made_study: MadeStudy) -> None:
    ended, stopped, last = made_study.told
    assert ended == [("start", 2, 2), ("begin", 1, FIRST), ("go on", 0), *MADE]
    assert stopped == [
        ("start", 2, 2),
        ("begin", 1, FIRST),
        ("go on", 2),
        ("begin", 2, SECOND),
        ("go on", 0),
        *MADE[:2],
    ]
    assert last == [("start", 2, 1), ("begin", 2, SECOND), ("go on", 1), *MADE[2:]]
    assert made_study.complete == [False, True]
    assert made_study.finished == list(made_study.study.runs)


def test_the_outcome_is_that_of_the_history(made_study: MadeStudy) -> None:
    for run in made_study.study.runs:
        outcome = run.outcome()
        assert outcome is not None
        assert outcome.steps == (1, 2)
        rows = (run.run.folder / "history.csv").read_text().splitlines()[1:]
        place = rows[0].split(",")
        assert str(outcome.mean_iou[0])[:7] in ",".join(place)
        assert len(outcome.left_out) == len(outcome.left_out_area) == len(run.run.validation() or [])
        assert np.mean(outcome.left_out) == pytest.approx(outcome.validation.mean_iou, abs=0.02)
        assert set(outcome.training.iou) == {"pet", "background", "border"}


def test_blocks_differ_in_their_seed_and_are_validated_on_the_same(made_study: MadeStudy) -> None:
    first, second = made_study.study.runs
    assert first.run.validation() == second.run.validation()
    assert (first.run.folder / "augmented.png").read_bytes() != (second.run.folder / "augmented.png").read_bytes()


def test_a_finished_study_is_left_as_it_is(made_study: MadeStudy, source: OxfordPets) -> None:
    notes = Notes()
    assert conduct(made_study.study, source, notes)
    assert notes.told == []


def test_a_run_of_other_data_is_refused(source: OxfordPets, tmp_path: Path, made_study: MadeStudy) -> None:
    copy = Study(
        made_study.study.config,
        tmp_path,
        made_study.study.networks,
        tiny_study(tmp_path, blocks=2, networks=1).runs,
    )
    for made, copied in zip(made_study.study.runs[:1], copy.runs[:1], strict=True):
        shutil.copytree(made.run.folder, copied.run.folder)
    (copy.runs[0].run.folder / "data.json").unlink()
    write_facts(copy.runs[0].run)
    with pytest.raises(TrainingError, match=r"block-0.base was made on other data; choose another folder"):
        conduct(copy, source, Notes())


def test_training_pictures_to_compare_with_are_alike(source: OxfordPets, tmp_path: Path) -> None:
    (run,) = tiny_study(tmp_path, blocks=1, networks=1).runs
    fit = Fit(source, run.config, Run(tmp_path / "run"))
    sample = training_sample(fit)
    assert len(sample) == len(fit.validation)
    assert {picture.mask_kind for picture in sample} == {"own"}
    assert not set(sample) & set(fit.validation)
    assert len({picture.stratum for picture in sample}) == 3
    assert training_sample(fit) == sample
    fit.validation = fit.validation[:1]
    with pytest.raises(TrainingError, match="the study needs two pictures to validate on"):
        training_sample(fit)
