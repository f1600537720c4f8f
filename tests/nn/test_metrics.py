import numpy as np
import pytest

from app.nn.metrics import (
    confusion_matrix,
    dice_per_class,
    iou_per_class,
    mean_iou,
    merged_iou,
    pixel_accuracy,
)

TRUTH = np.array([[0, 0, 0, 1], [1, 1, 2, 255]], np.uint8)
PREDICTED = np.array([[0, 0, 1, 1], [1, 2, 1, 0]], np.uint8)
MATRIX = np.array([[2, 1, 0], [0, 2, 1], [0, 1, 0]])
"""Of both: rows truth, columns prediction."""


def test_confusion_matrix_counts_each_pair_but_undecided_truth() -> None:
    matrix = confusion_matrix(TRUTH, PREDICTED, 3)
    assert matrix.dtype == np.int64
    np.testing.assert_array_equal(matrix, MATRIX)


def test_confusion_matrix_has_all_classes_even_those_that_are_not_there() -> None:
    np.testing.assert_array_equal(confusion_matrix(TRUTH, PREDICTED, 5), np.pad(MATRIX, ((0, 2), (0, 2))))


def test_matrices_of_pictures_add_up() -> None:
    both = confusion_matrix(np.vstack([TRUTH, TRUTH]), np.vstack([PREDICTED, PREDICTED]), 3)
    np.testing.assert_array_equal(both, 2 * confusion_matrix(TRUTH, PREDICTED, 3))


def test_many_classes_do_not_overflow() -> None:
    truth, predicted = np.full((2, 2), 254, np.uint8), np.full((2, 2), 253, np.uint8)
    assert confusion_matrix(truth, predicted, 255)[254, 253] == 4


def test_iou_by_hand() -> None:
    """Class 0: 2 / 3; class 1: 2 / (3 + 4 − 2); class 2: 0 / 2."""
    np.testing.assert_allclose(iou_per_class(MATRIX), [2 / 3, 2 / 5, 0.0])
    assert mean_iou(MATRIX) == pytest.approx((2 / 3 + 2 / 5) / 3)


def test_dice_by_hand() -> None:
    """Class 0: 2·2 / (3 + 2); class 1: 2·2 / (3 + 4); class 2: 0."""
    np.testing.assert_allclose(dice_per_class(MATRIX), [4 / 5, 4 / 7, 0.0])


def test_accuracy_by_hand() -> None:
    assert pixel_accuracy(MATRIX) == pytest.approx(4 / 7)


def test_merged_classes_are_one() -> None:
    """Classes 0 and 2 against 1: truth 4, prediction 3, both 2."""
    assert merged_iou(MATRIX, (0, 2)) == pytest.approx(2 / 5)
    assert merged_iou(MATRIX, (1,)) == pytest.approx(iou_per_class(MATRIX)[1])
    assert merged_iou(MATRIX, (0, 1, 2)) == 1.0


def test_perfect_prediction_scores_one() -> None:
    matrix = confusion_matrix(TRUTH, np.where(TRUTH == 255, 0, TRUTH).astype(np.uint8), 3)
    np.testing.assert_array_equal(iou_per_class(matrix), 1.0)
    np.testing.assert_array_equal(dice_per_class(matrix), 1.0)
    assert pixel_accuracy(matrix) == mean_iou(matrix) == 1.0


def test_class_that_is_nowhere_has_no_score_and_is_left_out_of_the_mean() -> None:
    matrix = np.pad(MATRIX, ((0, 1), (0, 1)))
    assert np.isnan(iou_per_class(matrix)[3])
    assert np.isnan(dice_per_class(matrix)[3])
    assert mean_iou(matrix) == pytest.approx(mean_iou(MATRIX))
    assert np.isnan(merged_iou(matrix, (3,)))


def test_nothing_counted_has_no_score() -> None:
    matrix = confusion_matrix(np.full((2, 2), 255, np.uint8), np.zeros((2, 2), np.uint8), 3)
    assert matrix.sum() == 0
    assert np.isnan(iou_per_class(matrix)).all()
    assert np.isnan([mean_iou(matrix), pixel_accuracy(matrix), merged_iou(matrix, (0, 1))]).all()
