import math

import numpy as np
import pytest

from app.training.evaluation.calibration import (
    BINS,
    ReliabilityBin,
    calibration_counts,
    expected_calibration_error,
    reliability_bins,
)


def test_each_pixel_falls_into_one_bin() -> None:
    confidence = np.array([0.0, 1e-7, 1 / 15, 0.07, 0.4, 0.999, 1.0, 1.0000001], np.float32)
    counts = calibration_counts(confidence, np.ones(8, bool))
    assert np.flatnonzero(counts[0]).tolist() == [0, 1, 5, 14]
    assert counts[0, [0, 1, 5, 14]].tolist() == [3, 1, 1, 3]  # a bin holds its upper edge
    assert counts[1].sum() == pytest.approx(confidence.sum())


def test_the_error_is_the_mean_gap() -> None:
    confidence = np.array([0.9] * 10 + [0.5] * 30)
    right = np.array([True] * 7 + [False] * 3 + [True] * 18 + [False] * 12)
    counts = calibration_counts(confidence, right)
    assert expected_calibration_error(counts) == pytest.approx((10 * 0.2 + 30 * 0.1) / 40)


def test_a_network_that_keeps_its_promises_has_no_error() -> None:
    counts = calibration_counts(np.full(10, 0.8), np.arange(10) < 8)
    assert expected_calibration_error(counts) == pytest.approx(0)


def test_gaps_within_a_bin_even_out_over_pictures() -> None:
    too_sure = calibration_counts(np.full(4, 0.9), np.arange(4) < 3)
    too_shy = calibration_counts(np.full(4, 0.9), np.ones(4))
    assert expected_calibration_error(too_sure + too_shy) < expected_calibration_error(too_sure)


def test_no_pixel_no_error() -> None:
    assert math.isnan(expected_calibration_error(np.zeros((3, BINS))))


def test_bins_for_a_diagram() -> None:
    bins = reliability_bins(calibration_counts(np.array([0.81, 0.83]), np.array([True, False])))
    assert len(bins) == BINS
    assert (bins[12].low, bins[12].high, bins[12].pixels, bins[12].accuracy) == (12 / 15, 13 / 15, 2, 0.5)
    assert bins[12].confidence == pytest.approx(0.82)
    assert bins[0] == ReliabilityBin(0, 1 / 15, 0, None, None)
