import numpy as np
import pytest

from app.nn.metrics import mean_iou
from app.training.study.left_out import left_out_scores, mean_height


def test_each_picture_is_left_out_in_turn() -> None:
    matrices = np.random.default_rng(0).integers(0, 50, (5, 3, 3))
    found = left_out_scores(matrices)
    for index in range(5):
        assert found[index] == pytest.approx(mean_iou(np.delete(matrices, index, axis=0).sum(axis=0)))


def test_a_class_of_one_picture_alone_is_not_counted_without_it() -> None:
    matrices = np.array([[[4, 0], [0, 4]], [[4, 0], [0, 0]]])
    assert left_out_scores(matrices).tolist() == [1.0, 1.0]


def test_mean_height_by_hand() -> None:
    assert mean_height([0, 10, 40], np.array([0.0, 0.4, 0.6])) == pytest.approx((10 * 0.2 + 30 * 0.5) / 40)
    assert mean_height([5], np.array([0.3])) == 0.3
    curves = np.array([[0.0, 1.0], [0.5, 1.0]])  # of two pictures left out
    assert mean_height([1, 2], curves).tolist() == [0.25, 1.0]


def test_who_rises_sooner_has_the_higher_curve() -> None:
    steps = [1, 2, 3]
    assert mean_height(steps, np.array([0.2, 0.6, 0.6])) > mean_height(steps, np.array([0.2, 0.3, 0.6]))
