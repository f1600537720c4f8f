from pathlib import Path

import pytest

from app.core.errors import TrainingError
from app.training.study.collect import TIMES, collect, measure
from app.training.study.plan import Study, plan
from app.training.study.record import Times
from tests.training.study.conftest import MadeStudy
from tests.training.study.drawn_study import drawn_outcome, tiny_study, write_facts, write_outcomes


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Two networks in three blocks, all finished."""
    whole = tiny_study(tmp_path, blocks=3)
    few = plan(whole.config, whole.networks[:2], tmp_path, 3)
    write_outcomes(few)
    return few


def test_complete_blocks_are_collected(study: Study) -> None:
    (study.block(1)[1].run.folder / "outcome.json").unlink()
    record = collect(study)
    assert record is not None
    assert [(outcome.block, outcome.configuration) for outcome in record.outcomes] == [
        (block, name) for block in (0, 2) for name in ("base", "inception")
    ]
    assert record.of("inception")[1] == drawn_outcome("inception", 2)
    assert record.blocks == 2
    assert (record.fingerprint, record.pictures) == ("abc", {"training": 22, "validation": 2})
    assert (record.machines, record.times) == (("a CPU",), None)
    assert [cost.name for cost in record.costs] == ["base", "inception"]
    assert record.training == study.config.model_dump(mode="json")


def test_without_a_complete_block_there_is_nothing_to_collect(study: Study) -> None:
    for block in range(3):
        (study.block(block)[0].run.folder / "outcome.json").unlink()
    assert collect(study) is None


def test_what_was_really_made(made_study: MadeStudy) -> None:
    record = collect(made_study.study)
    assert record is not None
    assert record.blocks == 2
    assert record.pictures == {"training": 22, "validation": 6}
    assert record.outcomes == tuple(run.outcome() for run in made_study.study.runs)


@pytest.mark.parametrize("facts", [{"fingerprint": "abd"}, {"names": ("a", "c")}], ids=str)
def test_runs_that_cannot_be_compared(study: Study, facts: dict[str, str]) -> None:
    run = study.runs[3].run
    (run.folder / "data.json").unlink()
    write_facts(run, **facts)  # type: ignore[arg-type]  # each has its type
    with pytest.raises(TrainingError, match=r"block-1.inception was made on other data than .*base; make it again"):
        collect(study)


def test_times_are_kept_with_the_study(study: Study) -> None:
    times = measure(study, rounds=1)
    record = collect(study)
    assert record is not None
    assert record.times == times == Times.model_validate_json((study.folder / TIMES).read_bytes())
    (study.folder / TIMES).write_text("{")
    with pytest.raises(TrainingError, match=r"times\.json is damaged \(.*; measure again with --time"):
        collect(study)


def test_times_of_a_study_that_was_not_begun(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="does not say which data"):
        measure(tiny_study(tmp_path, blocks=1), rounds=1)
