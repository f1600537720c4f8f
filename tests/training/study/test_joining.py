import pytest

from app.core.errors import TrainingError
from app.training.config import TrainingConfig
from app.training.study.joining import join
from app.training.study.record import StudyRecord, Times
from app.training.study.tables import runs
from tests.training.study.drawn_study import drawn_record

TIMES = Times(machine="a CPU", engine="one", rounds=3, milliseconds={"base": 2.5}, ratio={"base": 1.0})


def with_seed(record: StudyRecord, seed: int, machine: str = "a CPU") -> StudyRecord:
    return record.model_copy(update={"training": record.training | {"seed": seed}, "machines": (machine,)})


def test_one_is_itself() -> None:
    record = drawn_record()
    assert join([record]) == record


def test_blocks_made_apart_are_one_study() -> None:
    whole = drawn_record(blocks=3)
    networks = len(whole.costs)
    outcomes = [outcome.model_copy(update={"block": 0}) for outcome in whole.outcomes]
    parts = [
        with_seed(whole.model_copy(update={"outcomes": tuple(outcomes[first : first + networks])}), seed)
        for seed, first in enumerate(range(0, len(outcomes), networks))
    ]
    assert join([parts[2], parts[0], parts[1]]) == whole


def test_seeds_machines_and_times() -> None:
    timed = with_seed(drawn_record(blocks=1), 7, "another CPU").model_copy(update={"times": TIMES})
    joined = join([with_seed(drawn_record(blocks=2), 3), timed])
    assert (joined.blocks, joined.machines, joined.times) == (3, ("a CPU", "another CPU"), TIMES)
    assert [outcome.block for outcome in joined.of("elu")] == [0, 1, 4]
    assert "in 3 block(s) of one seed each (3, 4, 7)" in runs(joined)


def test_the_same_seed_twice() -> None:
    with pytest.raises(TrainingError, match="a block of the same seed"):
        join([drawn_record(blocks=2), with_seed(drawn_record(blocks=2), 1)])


def test_studies_that_cannot_be_compared() -> None:
    record = with_seed(drawn_record(), 9)
    other = record.model_copy(update={"training": record.training | {"steps": 3}, "fingerprint": "f"})
    with pytest.raises(TrainingError, match="that differ in steps, fingerprint cannot be joined"):
        join([drawn_record(), other])


def test_a_study_of_an_earlier_release_has_the_defaults_of_what_it_did_not_know() -> None:
    record = drawn_record()
    earlier = with_seed(record.model_copy(update={"training": {"steps": record.training["steps"]}}), 9)
    now = record.model_copy(
        update={"training": TrainingConfig.model_validate(earlier.training).model_dump(mode="json")}
    )
    assert join([with_seed(now, 0), earlier]).blocks == 2 * record.blocks


def test_a_study_of_a_later_release() -> None:
    record = drawn_record()
    later = with_seed(record.model_copy(update={"training": record.training | {"rain": 1}}), 9)
    with pytest.raises(TrainingError, match="not one of this release: rain"):
        join([record, later])
