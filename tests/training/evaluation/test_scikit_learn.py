"""Our scores of a picture are those that scikit-learn computes from the same arrays."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, jaccard_score, log_loss

from app.core.labels import UNDECIDED
from app.imaging.geometry import Geometry
from app.store.scores import Scores
from app.training.evaluation.calibration import BINS, reliability_bins
from app.training.evaluation.pictures import PictureResult, SegmentedPicture, score_picture, total_scores
from app.training.sources.oxford import PETS
from app.training.sources.samples import Sample
from tests.training.drawn_pets import Array

CLASSES = [0, 1, 2]


@pytest.fixture(scope="module")
def truth() -> Array:
    """Three classes, some pixels undecided."""
    random = np.random.default_rng(0)
    return random.choice(np.array([0, 1, 2, UNDECIDED], np.uint8), (60, 80), p=[0.3, 0.5, 0.1, 0.1])


@pytest.fixture(scope="module")
def probabilities(truth: Array) -> Array:
    """More often right than not."""
    random = np.random.default_rng(1)
    leaning = 1 + 3 * np.eye(4)[np.where(truth == UNDECIDED, 3, truth)][..., :3]
    drawn = random.gamma(leaning)
    return np.asarray(drawn / drawn.sum(axis=-1, keepdims=True), np.float32)


@pytest.fixture(scope="module")
def result(truth: Array, probabilities: Array) -> PictureResult:
    pixels = np.zeros((*truth.shape, 3), np.uint8)
    geometry = Geometry((60, 80), (60, 80), "stretch")
    sample = Sample("a", Path("a.jpg"), Path("a.png"))
    return score_picture(SegmentedPicture(sample, pixels, truth, pixels, probabilities, geometry))


@pytest.fixture(scope="module")
def scores(result: PictureResult) -> Scores:
    return total_scores([result], PETS)


@pytest.fixture(scope="module")
def counted(truth: Array) -> Array:
    return np.not_equal(truth, UNDECIDED)


@pytest.fixture(scope="module")
def predicted(probabilities: Array, counted: Array) -> Array:
    return np.asarray(probabilities.argmax(axis=-1)[counted])


def test_the_confusion_matrix(result: PictureResult, truth: Array, predicted: Array, counted: Array) -> None:
    assert np.array_equal(result.matrix, confusion_matrix(truth[counted], predicted, labels=CLASSES))


def test_iou_is_the_jaccard_score(scores: Scores, truth: Array, predicted: Array, counted: Array) -> None:
    expected = jaccard_score(truth[counted], predicted, labels=CLASSES, average=None)
    assert list(scores.iou.values()) == pytest.approx(expected)
    assert scores.mean_iou == pytest.approx(expected.mean())
    merged = jaccard_score(truth[counted] != 1, predicted != 1)
    assert scores.foreground_iou == pytest.approx(merged)


def test_dice_is_the_f1_score(scores: Scores, truth: Array, predicted: Array, counted: Array) -> None:
    expected = f1_score(truth[counted], predicted, labels=CLASSES, average=None)
    assert list(scores.dice.values()) == pytest.approx(expected)


def test_accuracy(scores: Scores, truth: Array, predicted: Array, counted: Array) -> None:
    assert scores.pixel_accuracy == pytest.approx(accuracy_score(truth[counted], predicted))


def test_cross_entropy_is_the_log_loss(scores: Scores, truth: Array, probabilities: Array, counted: Array) -> None:
    given = probabilities[counted].astype(float)
    expected = log_loss(truth[counted], given / given.sum(axis=-1, keepdims=True), labels=CLASSES)
    assert scores.cross_entropy == pytest.approx(expected, rel=1e-5)


def test_the_bins_are_those_of_the_calibration_curve(
    result: PictureResult, scores: Scores, truth: Array, probabilities: Array, predicted: Array, counted: Array
) -> None:
    confidence = probabilities[counted].max(axis=-1)
    right = truth[counted] == predicted
    accuracy, mean_confidence = calibration_curve(right, confidence, n_bins=BINS)
    bins = [each for each in reliability_bins(result.calibration) if each.pixels]
    assert [each.accuracy for each in bins] == pytest.approx(accuracy)
    assert [each.confidence for each in bins] == pytest.approx(mean_confidence)
    weights = np.array([each.pixels for each in bins]) / counted.sum()
    error = float((weights * np.abs(accuracy - mean_confidence)).sum())
    assert scores.expected_calibration_error == pytest.approx(error)
