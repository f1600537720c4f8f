import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from app.imaging.geometry import Geometry, ResizeRule, resize_picture
from app.imaging.restore import BAND_VALUES, restore_bands

sides = st.integers(1, 90)
rules = st.sampled_from(["stretch", "letterbox"])


def restored(probabilities: NDArray[np.float32], geometry: Geometry, band_pixels: int = 2**40) -> NDArray[np.float32]:
    bands = list(restore_bands(probabilities, geometry, band_pixels))
    assert [start for start, _ in bands] == np.cumsum([0, *(len(band) for _, band in bands[:-1])]).tolist()
    return np.concatenate([band for _, band in bands])


def planes(height: int, width: int, classes: int = 2) -> NDArray[np.float32]:
    return np.random.default_rng(height * 100 + width).random((height, width, classes), np.float32)


def disc(size: tuple[int, int], centre: tuple[float, float], radius: float) -> NDArray[np.bool_]:
    """Centre and radius are shares of the sides."""
    rows, columns = (np.arange(length) + 0.5 for length in size)
    vertical = (rows / size[0] - centre[0])[:, np.newaxis] / radius
    horizontal = (columns / size[1] - centre[1])[np.newaxis] / radius
    inside: NDArray[np.bool_] = vertical**2 + horizontal**2 < 1
    return inside


def centroid(weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """Row and column, as shares of the sides."""
    rows, columns = ((np.arange(length) + 0.5) / length for length in weights.shape)
    total = weights.sum(dtype=np.float64)
    return np.array([(weights.sum(axis=1) @ rows) / total, (weights.sum(axis=0) @ columns) / total])


@given(source=st.tuples(sides, sides), target=st.tuples(sides, sides), rule=rules, band_pixels=st.integers(1, 3000))
@settings(deadline=None, max_examples=150)
def test_bands_are_bit_equal_to_the_whole_and_equal_to_pillow(
    source: tuple[int, int], target: tuple[int, int], rule: ResizeRule, band_pixels: int
) -> None:
    geometry = Geometry(source, target, rule)
    probabilities = planes(*target)
    whole = restored(probabilities, geometry)
    np.testing.assert_array_equal(restored(probabilities, geometry, band_pixels), whole)
    top, left, height, width = geometry.content
    for number in range(2):
        content = np.ascontiguousarray(probabilities[top : top + height, left : left + width, number])
        pillow = np.asarray(Image.fromarray(content).resize(source[::-1], Image.Resampling.BILINEAR))
        np.testing.assert_allclose(whole[..., number], pillow, atol=1e-6)


@pytest.mark.parametrize("source", [(1, 65_000), (65_000, 1), (1, 1), (3, 20_001)])
@pytest.mark.parametrize("rule", ["stretch", "letterbox"])
def test_extreme_pictures_are_restored(source: tuple[int, int], rule: ResizeRule) -> None:
    whole = restored(planes(160, 160), Geometry(source, (160, 160), rule), 2**12)
    assert whole.shape == (*source, 2)
    assert whole.min() >= 0.0
    assert whole.max() <= 1.0


@given(source=st.tuples(sides, sides), rule=rules)
@settings(deadline=None)
def test_restored_probabilities_still_sum_to_one(source: tuple[int, int], rule: ResizeRule) -> None:
    probabilities = planes(20, 30, 4)
    probabilities /= probabilities.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(restored(probabilities, Geometry(source, (20, 30), rule)).sum(axis=-1), 1.0, atol=1e-5)


@pytest.mark.parametrize("rule", ["stretch", "letterbox"])
@pytest.mark.parametrize("source", [(301, 517), (517, 301), (160, 160), (97, 61), (1203, 402)])
def test_what_is_there_and_back_is_where_it_was(source: tuple[int, int], rule: ResizeRule) -> None:
    inside = disc(source, (0.37, 0.61), 0.25)
    geometry = Geometry(source, (160, 160), rule)
    seen = resize_picture(np.repeat(inside[:, :, np.newaxis] * np.uint8(255), 3, axis=2), geometry)
    back = restored((seen[..., :1] / 255).astype(np.float32), geometry)[..., 0]
    drift = np.abs(centroid(back) - centroid(inside.astype(np.float64))) * source
    scale = np.array(source) / (geometry.content.height, geometry.content.width)
    assert (drift < 0.02 * np.maximum(scale, 1.0)).all()
    outline = np.pi * 0.25 * sum(source)  # pixels, about
    wrong = (back > 0.5) != inside
    assert wrong.sum() <= 0.25 * outline * max(1.0, scale.max())  # a quarter of a pixel of the network on the way round


@pytest.mark.parametrize("source", [(3000, 4000), (1, 65_000)])  # 144 MB as a whole; 125 MB if 160 rows stayed
def test_memory_is_bounded_by_the_band(source: tuple[int, int]) -> None:
    probabilities = planes(160, 160, 3)
    geometry = Geometry(source, (160, 160), "stretch")
    tracemalloc.start()
    for _ in restore_bands(probabilities, geometry, 2**16):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**16 * 3 * 4


def test_bands_of_many_classes_are_low() -> None:
    probabilities, geometry = planes(20, 20, 255), Geometry((40, 600), (20, 20), "stretch")
    bands = [band for _, band in restore_bands(probabilities, geometry)]
    assert [len(band) for band in bands] == [1] * 40
    assert bands[0].size <= BAND_VALUES < bands[0].size + 600 * 255
    last = restored(np.ascontiguousarray(probabilities[..., 254:]), geometry)
    np.testing.assert_array_equal(np.concatenate(bands)[..., 254:], last)


def test_probabilities_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="for a target of"):
        next(restore_bands(planes(8, 8), Geometry((100, 100), (16, 16), "stretch")))
