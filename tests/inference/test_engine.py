import logging

import numpy as np
import pytest

from app.core.errors import InferenceError
from app.inference.engine import Images, Probabilities, infer_batch, infer_picture
from tests.inference.scripted import ScriptedEngine, brightness, shade


def test_picture_in_probabilities_out() -> None:
    probabilities = infer_picture(ScriptedEngine(brightness), shade(51))
    assert probabilities.shape == (4, 6, 2)
    assert probabilities[2, 3] == pytest.approx([0.2, 0.8])


def test_cause_of_a_failure_goes_to_the_log_only(caplog: pytest.LogCaptureFixture) -> None:
    def fail(images: Images) -> Probabilities:
        raise RuntimeError("/secret/path: primitive failed")

    with caplog.at_level(logging.ERROR), pytest.raises(InferenceError) as raised:
        infer_picture(ScriptedEngine(fail), shade(0))
    assert "secret" not in raised.value.detail
    assert "/secret/path: primitive failed" in caplog.text


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(value: float) -> None:
    def poison(images: Images) -> Probabilities:
        probabilities = brightness(images)
        probabilities[0, 3, 5, 1] = value
        return probabilities

    with pytest.raises(InferenceError, match="not finite"):
        infer_picture(ScriptedEngine(poison), shade(0))


def test_a_batch_fails_as_a_whole() -> None:
    def one_is_not_finite(images: Images) -> Probabilities:
        probabilities = np.zeros((*images.shape[:3], 2), np.float32)
        probabilities[1] = np.nan
        return probabilities

    with pytest.raises(InferenceError, match="not finite for these 3 pictures"):
        infer_batch(ScriptedEngine(one_is_not_finite), np.zeros((3, 4, 6, 3), np.uint8))
