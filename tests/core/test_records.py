import math

import pytest
from pydantic import ValidationError

from app.core.records import Record, SchemaVersion, problems


class Point(Record):
    x: float
    y: float
    steps: int = 0


def failure(**values: object) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Point.model_validate(values)
    return caught.value


def test_numbers_are_not_read_out_of_text() -> None:
    assert problems(failure(x="1", y=2.0)) == "x: Input should be a valid number"
    assert problems(failure(x=1.0, y=2.0, steps=True)) == "steps: Input should be a valid integer"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_json_cannot_say_is_refused(value: float) -> None:
    assert problems(failure(x=value, y=2.0)) == "x: Input should be a finite number"


def test_unknown_fields_are_refused() -> None:
    assert problems(failure(x=1.0, y=2.0, z=3.0)) == "z: Extra inputs are not permitted"


def test_records_do_not_change() -> None:
    point = Point(x=1.0, y=2.0)
    with pytest.raises(ValidationError, match="frozen"):
        point.x = 3.0  # type: ignore[misc]  # that is what is tested


def test_only_the_first_problems_are_told() -> None:
    error = failure(x="a", y="b", steps="c", z=0)
    assert problems(error).count(";") == 2
    assert problems(error, most=1) == "x: Input should be a valid number"


def test_a_problem_never_fills_the_page() -> None:
    text = problems(failure(x=1.0, y=2.0, **{"z" * 100_000: 0}))
    assert text == "z" * 200 + "…"


def test_text_that_is_no_json_is_a_problem_of_the_file() -> None:
    with pytest.raises(ValidationError) as caught:
        SchemaVersion.model_validate_json("{")
    assert problems(caught.value).startswith("file: Invalid JSON")


def test_the_schema_version_is_read_whatever_else_there_is() -> None:
    assert SchemaVersion.model_validate_json('{"later": [1], "schema_version": 7}').schema_version == 7
