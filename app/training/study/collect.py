"""The record of a study, out of the folders of its runs."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from app.core.errors import TrainingError
from app.core.records import problems
from app.training.files import write_file
from app.training.run import RunData
from app.training.study.costs import cost, measure_times
from app.training.study.outcome import StudyRun
from app.training.study.plan import Study
from app.training.study.record import Outcome, StudyRecord, Times

TIMES = "times.json"


def collect(study: Study) -> StudyRecord | None:
    """What came out of the complete blocks; None as long as there is none.

    Raises:
        TrainingError: runs that differ in their data or in the pictures they are validated on.
    """
    complete: list[StudyRun] = []
    outcomes: list[Outcome] = []
    for number in range(study.runs[-1].block + 1):
        found = [outcome for run in study.block(number) if (outcome := run.outcome()) is not None]
        if len(found) == len(study.networks):
            complete += study.block(number)
            outcomes += found
    if not complete:
        return None
    data = _data_of_all(complete)
    return StudyRecord(
        training=study.config.model_dump(mode="json"),
        fingerprint=data.fingerprint,
        pictures={"training": data.training, "validation": data.validation},
        machines=tuple(sorted({machine for run in complete for machine in run.run.machine()})),
        costs=tuple(cost(network, study.config, len(data.classes)) for network in study.networks),
        outcomes=tuple(outcomes),
        times=_read_times(study.folder),
    )


def measure(study: Study, rounds: int) -> Times:
    """Times the networks and keeps the result in the folder of the study; on an idle machine.

    Raises:
        TrainingError: no run was begun yet, or the result cannot be written.
    """
    classes = len(study.runs[0].run.data().classes)
    times = measure_times(study.networks, study.config, classes, rounds)
    write_file(study.folder / TIMES, times.model_dump_json(indent=2).encode())
    return times


def _read_times(folder: Path) -> Times | None:
    path = folder / TIMES
    if not path.is_file():
        return None
    try:
        return Times.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise TrainingError(f"{path} is damaged ({problems(error)}); measure again with --time") from error


def _data_of_all(runs: Sequence[StudyRun]) -> RunData:
    """What all runs were made on: it is the same, or they cannot be compared."""
    first = runs[0].run
    for run in runs:
        if run.run.data() != first.data() or run.run.validation() != first.validation():
            raise TrainingError(f"{run.run.folder} was made on other data than {first.folder}; make it again")
    return first.data()
