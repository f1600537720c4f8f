import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from app.imaging.resample import bilinear_taps, resample


def test_enlarging_takes_two_taps_and_reducing_more() -> None:
    assert bilinear_taps(10, 25).index.shape == (25, 2)
    assert bilinear_taps(10, 10).index.shape == (10, 2)
    assert bilinear_taps(20, 5).index.shape == (5, 8)


def test_doubling_by_hand() -> None:
    line = np.array([0.0, 1.0], np.float32)
    np.testing.assert_allclose(resample(line, bilinear_taps(2, 4), axis=0), [0.0, 0.25, 0.75, 1.0])


def test_halving_by_hand() -> None:
    # Triangle of half-width 2 around pixel edge 1: weights 3, 3, 1 of 7; the one before the first pixel is left out.
    line = np.array([7.0, 0.0, 0.0, 0.0], np.float32)
    np.testing.assert_allclose(resample(line, bilinear_taps(4, 2), axis=0), [3.0, 0.0])


def test_equal_length_changes_nothing() -> None:
    line = np.random.default_rng(0).random(7, np.float32)
    np.testing.assert_array_equal(resample(line, bilinear_taps(7, 7), axis=0), line)


@settings(max_examples=100, deadline=None)
@given(source=st.integers(1, 60), length=st.integers(1, 60))
def test_equal_to_pillow_on_either_axis(source: int, length: int) -> None:
    plane = np.random.default_rng(source).random((source, 3), np.float32)
    pillow = np.asarray(Image.fromarray(plane).resize((3, length), Image.Resampling.BILINEAR))
    taps = bilinear_taps(source, length)
    np.testing.assert_allclose(resample(plane, taps, axis=0), pillow, atol=1e-6)
    np.testing.assert_allclose(resample(plane.T, taps, axis=1), pillow.T, atol=1e-6)


@pytest.mark.parametrize(("source", "length"), [(6, 40), (40, 6)])
def test_part_gives_the_same_lines(source: int, length: int) -> None:
    plane = np.random.default_rng(0).random((source, 3), np.float32)
    taps = bilinear_taps(source, length)
    part, needed = taps.part(2, 5)
    np.testing.assert_array_equal(resample(plane[needed], part, axis=0), resample(plane, taps, axis=0)[2:5])
    assert needed.stop - needed.start < source
