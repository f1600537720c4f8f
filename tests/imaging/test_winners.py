import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.imaging import winners as module
from app.imaging.geometry import Geometry, ResizeRule
from app.imaging.restore import RestoredRows, restore_bands
from app.imaging.winners import band_winners, restored_winners, winners

sides = st.integers(1, 90)


def blobs(height: int, width: int, classes: int, roughness: float) -> NDArray[np.float32]:
    """Probabilities of areas that hang together, the rougher the more contours; some values are equal."""
    random = np.random.default_rng(height * 100 + width)
    coarse = random.integers(0, 9, (-(-height // 4), -(-width // 4), classes))
    smooth = np.kron(coarse, np.ones((4, 4, 1)))[:height, :width]
    rough: NDArray[np.float32] = (smooth + roughness * random.integers(0, 9, smooth.shape)).astype(np.float32)
    return rough / np.float32(100)


def test_the_lowest_class_wins_among_equals() -> None:
    ids, confidence = winners(np.array([[[0.3, 0.4, 0.3], [0.4, 0.2, 0.4]]], np.float32))
    assert ids.tolist() == [[1, 0]]
    np.testing.assert_array_equal(confidence, np.array([[0.4, 0.4]], np.float32))


@given(
    source=st.tuples(sides, sides),
    target=st.tuples(sides, sides),
    rule=st.sampled_from(["stretch", "letterbox"]),
    classes=st.sampled_from([1, 2, 3, 255]),
    roughness=st.sampled_from([0.0, 0.1, 1.0]),
)
@settings(deadline=None, max_examples=200)
def test_each_pixel_gets_a_class_that_nothing_exceeds(
    source: tuple[int, int], target: tuple[int, int], rule: ResizeRule, classes: int, roughness: float
) -> None:
    geometry = Geometry(source, target, rule)
    probabilities = blobs(*target, classes, roughness)
    ids = restored_winners(probabilities, geometry)
    assert ids.shape == source
    assert ids.dtype == np.uint8
    whole = np.concatenate([band for _, band in restore_bands(probabilities, geometry)])
    # Equal, not close: where rounding makes two classes equal, either may win.
    chosen = np.take_along_axis(whole, ids[..., np.newaxis].astype(np.intp), axis=-1)[..., 0]
    np.testing.assert_array_equal(chosen, whole.max(axis=-1))


@pytest.mark.parametrize("size", [(300, 500), (3, 7000), (7000, 3), (24, 32), (20, 600), (600, 20)])
def test_equal_to_the_winners_of_all_probabilities(size: tuple[int, int], probabilities: NDArray[np.float32]) -> None:
    geometry = Geometry(size, (24, 32), "stretch")
    expected = band_winners(restore_bands(probabilities, geometry), size)
    np.testing.assert_array_equal(restored_winners(probabilities, geometry), expected)


def test_blocks_of_rows_join(monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities, geometry = blobs(40, 40, 3, 0.0), Geometry((300, 200), (40, 40), "stretch")
    whole = restored_winners(probabilities, geometry)
    for pixels in (1, 200 * 7):
        monkeypatch.setattr(module, "_BLOCK_PIXELS", pixels)
        np.testing.assert_array_equal(restored_winners(probabilities, geometry), whole)


def test_only_contours_are_interpolated(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    winners_at = module._winners_at

    def counted(restored: RestoredRows, row: NDArray[np.intp], column: NDArray[np.intp]) -> NDArray[np.uint8]:
        asked.append(len(row))
        return winners_at(restored, row, column)

    monkeypatch.setattr(module, "_winners_at", counted)
    halves = np.zeros((40, 40, 2), np.float32)
    halves[:, :20, 0] = halves[:, 20:, 1] = 1.0
    ids = restored_winners(halves, Geometry((400, 400), (40, 40), "stretch"))
    assert (ids == (np.arange(400) >= 200)).all()
    assert sum(asked) == 400 * 10  # between the last column of one class and the first of the other


def test_where_all_is_contour_all_is_interpolated_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_winners_at", None)
    noise = np.random.default_rng(0).random((30, 30, 3), np.float32)
    geometry = Geometry((200, 300), (30, 30), "stretch")
    expected = band_winners(restore_bands(noise, geometry), (200, 300))
    np.testing.assert_array_equal(restored_winners(noise, geometry), expected)


def test_memory_is_that_of_the_mask_and_a_block() -> None:
    probabilities = blobs(160, 160, 3, 0.0)
    tracemalloc.start()
    ids = restored_winners(probabilities, Geometry((3000, 4000), (160, 160), "stretch"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < ids.nbytes + 40 * module._BLOCK_PIXELS
