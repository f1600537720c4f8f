"""One record out of several: blocks stand alone, so that they can be made on several machines, or days."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from pydantic import ValidationError

from app.core.errors import TrainingError
from app.core.records import problems
from app.training.config import TrainingConfig
from app.training.study.record import Outcome, StudyRecord


def join(records: Sequence[StudyRecord]) -> StudyRecord:
    """Joins the blocks of studies that differ in nothing but their seeds; in the order of these.

    Args:
        records: at least one. Where several were timed, the first counts.

    Raises:
        TrainingError: studies that cannot be compared, or the same seed twice.
    """
    first = records[0]
    for record in records[1:]:
        if differing := _differences(first, record):
            raise TrainingError(f"studies that differ in {', '.join(differing)} cannot be joined")
    seeded: list[tuple[int, Outcome]] = sorted(
        ((record.seed + outcome.block, outcome) for record in records for outcome in record.outcomes),
        key=itemgetter(0),  # stable: within a block the networks keep their order
    )
    seeds = sorted({seed for seed, _ in seeded})
    if len(seeds) != sum(record.blocks for record in records):
        raise TrainingError("two of the studies have a block of the same seed; give each its own: --set seed=N")
    outcomes = tuple(outcome.model_copy(update={"block": seed - seeds[0]}) for seed, outcome in seeded)
    return first.model_copy(
        update={
            "training": first.training | {"seed": seeds[0]},
            "machines": tuple(sorted({machine for record in records for machine in record.machines})),
            "outcomes": outcomes,
            "times": next((record.times for record in records if record.times is not None), None),
        }
    )


def _differences(one: StudyRecord, other: StudyRecord) -> list[str]:
    """Names of what has to be the same and is not."""
    mine, its = _training(one), _training(other)
    settings = [name for name, value in mine.items() if its[name] != value]
    return settings + [
        name for name in ("fingerprint", "pictures", "costs") if getattr(one, name) != getattr(other, name)
    ]


def _training(record: StudyRecord) -> dict[str, Any]:
    """Configuration of the runs, but for their seed; what an earlier release did not know has its default."""
    try:
        return TrainingConfig.model_validate(record.training).model_dump(exclude={"seed"})
    except ValidationError as error:
        raise TrainingError(f"the configuration of a study is not one of this release: {problems(error)}") from error
