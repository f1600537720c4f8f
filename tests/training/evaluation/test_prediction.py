import numpy as np
import pytest

from app.core.errors import TrainingError
from app.imaging.geometry import Geometry, ResizeRule, resize_picture
from app.imaging.windows import View
from app.training.evaluation.prediction import BATCH, batch_size, fitted, mirrored, predicted
from tests.training.drawn_pets import Array

RULES: tuple[ResizeRule, ...] = ("stretch", "letterbox", "crop")
SIZE = (16, 24)


def pictures() -> list[Array]:
    return [np.random.default_rng(n).integers(0, 256, (20 + 9 * n, 30, 3), np.uint8) for n in range(3)]


def as_seen(batch: Array) -> Array:
    """A network that gives back what it sees, 0–1."""
    return batch / np.float32(255)


@pytest.mark.parametrize("rule", ["stretch", "letterbox"])
def test_pictures_of_any_sizes_are_resized(rule: ResizeRule) -> None:
    geometries, resized = fitted(pictures(), View(SIZE, rule))
    for picture, geometry, found in zip(pictures(), geometries, resized, strict=True):
        assert geometry == Geometry((picture.shape[0], 30), SIZE, rule)
        assert np.array_equal(found, resize_picture(picture, geometry))


@pytest.mark.parametrize("rule", RULES)
def test_probabilities_lie_as_the_geometry_says(rule: ResizeRule) -> None:
    geometries, resized = fitted(pictures(), View(SIZE, rule))
    for geometry, seen, found in zip(geometries, resized, predicted(as_seen, resized, View(SIZE, rule)), strict=True):
        assert found.shape[:2] == geometry.target
        np.testing.assert_allclose(found, seen / np.float32(255), atol=1e-6)


def test_windows_are_of_the_networks_size_and_come_in_batches() -> None:
    seen = []

    def noting(batch: Array) -> Array:
        seen.append(batch.shape)
        return as_seen(batch)

    wide = np.zeros((16, 24 * 20, 3), np.uint8)
    _, resized = fitted([wide], View(SIZE, "crop"))
    predicted(noting, resized, View(SIZE, "crop"))
    assert seen == [(BATCH, 16, 24, 3), (27 - BATCH, 16, 24, 3)]
    assert (
        batch_size(View(SIZE, "crop")),
        batch_size(View(SIZE, "stretch")),
        batch_size(View(SIZE, "stretch", 64)),
    ) == (1, BATCH, 1)


@pytest.mark.parametrize("rule", RULES)
def test_in_a_mirror(rule: ResizeRule) -> None:
    _, resized = fitted(pictures(), View(SIZE, rule))
    plain = predicted(as_seen, resized, View(SIZE, rule))
    for one, other in zip(plain, mirrored(as_seen, resized, View(SIZE, rule)), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)

    def leftward(batch: Array) -> Array:
        return np.broadcast_to(np.linspace(0, 1, batch.shape[2], dtype=np.float32)[:, None], (*batch.shape[:3], 1))

    ramp, back = (function(leftward, resized[:1], View(SIZE, "stretch"))[0] for function in (predicted, mirrored))
    np.testing.assert_allclose(back, ramp[:, ::-1], atol=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_a_network_that_has_diverged(rule: ResizeRule) -> None:
    _, resized = fitted(pictures(), View(SIZE, rule))
    with pytest.raises(TrainingError, match="not finite"):
        predicted(lambda batch: np.full((*batch.shape[:3], 2), np.nan, np.float32), resized, View(SIZE, rule))
