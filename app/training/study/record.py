"""What came out of the study, as `study.json` keeps it: enough for every table, picture and verdict."""

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, JsonValue, ValidationError

from app.core.errors import TrainingError
from app.core.records import Record, problems
from app.store.scores import Share
from app.training.files import write_file
from app.training.study.configurations import Claim, Measure, Question

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]


class SplitScores(Record):
    """Scores of the last network of a run.

    Args:
        mean_iou: mean of the classes' IoU.
        iou: by class name; None for a class that is neither there nor predicted.
        cross_entropy: mean over pixels, nats.
    """

    mean_iou: Share
    iou: dict[str, Share | None]
    cross_entropy: Annotated[float, Field(ge=0)]


class Outcome(Record):
    """What came out of one run.

    Args:
        configuration: name of its network.
        block: number of its block: how far its seed lies above that of the study.
        steps: gradient steps of the validations, rising; the last one is the end.
        mean_iou: of each validation.
        cross_entropy: of each validation.
        validation: scores of the end on the validation pictures.
        training: on a fixed sample of the training pictures, not augmented.
        left_out: mean IoU of the end without each validation picture, in the order of their names.
        left_out_area: mean height of the curve without each.
    """

    configuration: str
    block: Count
    steps: Annotated[tuple[Count, ...], Field(min_length=1)]
    mean_iou: tuple[Share, ...]
    cross_entropy: tuple[float, ...]
    validation: SplitScores
    training: SplitScores
    left_out: tuple[Share, ...]
    left_out_area: tuple[Share, ...]


class Cost(Record):
    """A network, and what it costs.

    Args:
        name: of its folder.
        title: in tables and pictures.
        question: which one it answers; None: the base.
        measure: what the verdict on it goes by.
        claim: what the article says of it, compared with the base.
        parameters: all numbers that it holds.
        encoder_parameters: those of stem and down blocks.
        separable_parameters: those of its separable convolutions.
        macs: multiply–accumulates of the inference graph for one picture.
    """

    name: str
    title: str
    question: Question | None
    measure: Measure
    claim: Claim | None
    parameters: Count
    encoder_parameters: Count
    separable_parameters: Count
    macs: Count


class Times(Record):
    """Time for one picture, measured in turn in one process.

    Args:
        machine: where, in words.
        engine: what computed.
        rounds: how often each was measured.
        milliseconds: median by name.
        ratio: median over the rounds of the time divided by the base's, by name.
    """

    machine: str
    engine: str
    rounds: Count
    milliseconds: dict[str, Positive]
    ratio: dict[str, Positive]


class StudyRecord(Record):
    """The whole study: complete blocks only.

    Args:
        training: configuration of the base's run, but for its seed.
        fingerprint: hash of all pictures and masks.
        pictures: how many were trained on (`training`) and validated on (`validation`).
        machines: where the runs were made, in words.
        costs: the networks, the base first.
        outcomes: block by block, each in the order of `costs`.
        times: or None where not measured.
    """

    schema_version: Literal[1] = 1
    training: dict[str, JsonValue]
    fingerprint: str
    pictures: dict[str, Count]
    machines: tuple[str, ...]
    costs: Annotated[tuple[Cost, ...], Field(min_length=1)]
    outcomes: tuple[Outcome, ...]
    times: Times | None = None

    @property
    def seed(self) -> int:
        """That of block 0."""
        return int(str(self.training["seed"]))

    @property
    def blocks(self) -> int:
        """Number of complete blocks."""
        return len(self.outcomes) // len(self.costs)

    def of(self, name: str) -> tuple[Outcome, ...]:
        """Outcomes of a configuration, block by block."""
        return tuple(outcome for outcome in self.outcomes if outcome.configuration == name)


def write_record(record: StudyRecord, path: Path) -> None:
    """Writes it as JSON, a line for each network and run.

    Raises:
        TrainingError: it cannot be written.
    """
    parts = []
    for name, value in record.model_dump(mode="json").items():
        lines = [json.dumps(item, ensure_ascii=False) for item in value] if isinstance(value, list) else []
        text = "[\n  " + ",\n  ".join(lines) + "\n ]" if lines else json.dumps(value, ensure_ascii=False)
        parts.append(f' "{name}": {text}')
    write_file(path, ("{\n" + ",\n".join(parts) + "\n}\n").encode())


def read_record(path: Path) -> StudyRecord:
    """Reads what `write_record` wrote.

    Raises:
        TrainingError: no such file, or not a study.
    """
    try:
        return StudyRecord.model_validate_json(path.read_bytes())
    except OSError as error:
        raise TrainingError(f"{path}: {error.strerror or error}; a study's folder holds its study.json") from error
    except ValidationError as error:
        raise TrainingError(f"{path} is not the result of a study: {problems(error)}") from error
