import numpy as np
import pytest

from app.imaging.observation import Observation, mean_observation, observe


def test_numbers_by_hand() -> None:
    image = np.full((2, 2, 3), 51, np.uint8)
    probabilities = np.array([[[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]], [[0.5, 0.25, 0.25], [0.2, 0.2, 0.6]]], np.float32)
    seen = observe(image, probabilities)
    assert seen.brightness == pytest.approx(0.2)
    assert seen.confidence == pytest.approx((0.7 + 0.6 + 0.5 + 0.6) / 4)
    assert seen.shares == (0.5, 0.25, 0.25)


def test_a_class_that_wins_nowhere_has_its_place() -> None:
    probabilities = np.broadcast_to(np.array([0.2, 0.8, 0.0, 0.0], np.float32), (4, 4, 4))
    assert observe(np.zeros((4, 4, 3), np.uint8), probabilities).shares == (0.0, 1.0, 0.0, 0.0)


def test_the_mean_of_parts() -> None:
    one, other = Observation(0.25, 0.5, (1.0, 0.0)), Observation(0.75, 1.0, (0.5, 0.5))
    assert mean_observation([one, other]) == Observation(0.5, 0.75, (0.75, 0.25))
    assert mean_observation([one]) == one
