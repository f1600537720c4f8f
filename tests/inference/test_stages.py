import time

import pytest

from app.core.errors import InferenceError
from app.inference.stages import Stage, reported, unreported


def test_a_stage_is_reported_when_it_has_ended() -> None:
    found: list[Stage] = []
    before = time.perf_counter()
    with reported(found.append, "decode"):
        inside = time.perf_counter()
        assert found == []
    (stage,) = found
    assert (stage.name, stage.error) == ("decode", None)
    assert before <= stage.begun <= inside <= stage.ended <= time.perf_counter()


def test_a_stage_that_fails_is_reported_with_its_error() -> None:
    found: list[Stage] = []
    error = InferenceError("no")
    with pytest.raises(InferenceError), reported(found.append, "inference"):
        raise error
    assert [(stage.name, stage.error) for stage in found] == [("inference", error)]


def test_nobody_has_to_listen() -> None:
    with reported(unreported, "encode"):
        pass
