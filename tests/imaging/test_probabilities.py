import numpy as np
import pytest

from app.imaging.geometry import Geometry
from app.imaging.probabilities import ProbabilityMap, ResizedProbabilities, WindowedProbabilities, restored
from app.imaging.restore import restore_bands
from app.imaging.windows import Window, window_rows

WEIGHTS = np.array([1.0, 0.0, 0.5], np.float32)


def resized() -> ResizedProbabilities:
    values = np.random.default_rng(0).random((8, 12, 3), np.float32)
    return ResizedProbabilities(values, Geometry((40, 30), (8, 12), "letterbox"))


def windowed() -> WindowedProbabilities:
    values = np.random.default_rng(1).random((40, 30, 3), np.float32)

    def rows() -> list[list[Window]]:
        geometry = Geometry((16, 16), (16, 16), "crop")
        return [
            [Window(box, values[box.top : box.top + 16, box.left : box.left + 16], geometry) for box in row]
            for row in window_rows((40, 30), (16, 16))
        ]

    return WindowedProbabilities((40, 30), 3, rows)


def test_restored_as_a_whole() -> None:
    probabilities = resized()
    assert (probabilities.size, probabilities.classes) == ((40, 30), 3)
    bands = [band for _, band in restore_bands(probabilities.probabilities, probabilities.geometry)]
    assert np.array_equal(restored(probabilities), np.concatenate(bands))


def test_windows_are_put_together() -> None:
    probabilities = windowed()
    assert (probabilities.size, probabilities.classes) == ((40, 30), 3)
    expected = np.random.default_rng(1).random((40, 30, 3), np.float32)
    np.testing.assert_allclose(restored(probabilities), expected, atol=1e-6)
    assert np.array_equal(restored(probabilities), restored(probabilities))  # they can be asked for again


@pytest.mark.parametrize("probabilities", [resized(), windowed()], ids=["resized", "windowed"])
def test_a_weighted_sum_over_the_classes(probabilities: ProbabilityMap) -> None:
    plane = probabilities.weighted(WEIGHTS)
    assert (plane.size, plane.classes) == ((40, 30), 1)
    np.testing.assert_allclose(restored(plane)[..., 0], restored(probabilities) @ WEIGHTS, atol=1e-6)


@pytest.mark.parametrize("probabilities", [resized(), windowed()], ids=["resized", "windowed"])
def test_the_winners_of_the_classes(probabilities: ProbabilityMap) -> None:
    np.testing.assert_array_equal(probabilities.winners(), restored(probabilities).argmax(axis=-1))
