import json
from pathlib import Path

import pytest

from app.core.errors import TrainingError
from app.training.study.record import Times, read_record, write_record
from tests.training.study.drawn_study import drawn_record


def test_survives_its_file(tmp_path: Path) -> None:
    record = drawn_record()
    times = Times(machine="a CPU", engine="one", rounds=3, milliseconds={"base": 2.5}, ratio={"base": 1.0})
    for written in (record, record.model_copy(update={"times": times})):
        write_record(written, tmp_path / "study.json")
        assert read_record(tmp_path / "study.json") == written


def test_a_line_for_each_run(tmp_path: Path) -> None:
    record = drawn_record()
    write_record(record, tmp_path / "study.json")
    lines = (tmp_path / "study.json").read_text("utf-8").splitlines()
    runs = [json.loads(line.rstrip(",")) for line in lines if line.startswith('  {"configuration"')]
    assert [(run["block"], run["configuration"]) for run in runs] == [
        (outcome.block, outcome.configuration) for outcome in record.outcomes
    ]


def test_blocks_and_outcomes_of_a_network() -> None:
    record = drawn_record(blocks=2)
    assert record.blocks == 2
    assert [(outcome.block, outcome.configuration) for outcome in record.of("elu")] == [(0, "elu"), (1, "elu")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory; a study's folder holds"),
        ("{}", "is not the result of a study: training: Field"),
    ],
)
def test_something_else(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "study.json").write_text(content)
    with pytest.raises(TrainingError, match=message):
        read_record(tmp_path / "study.json")
