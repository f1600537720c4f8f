import math
import time

import numpy as np
import pytest

from app.core.labels import UNDECIDED
from app.training.evaluation.boundary import (
    boundary_counts,
    boundary_f_scores,
    boundary_precision,
    boundary_recall,
    tolerance_pixels,
)
from tests.training.drawn_pets import Array


def square(size: int, top: int, left: int, side: int) -> Array:
    """Class 1 inside a square, class 0 around it."""
    mask = np.zeros((size, size), np.uint8)
    mask[top : top + side, left : left + side] = 1
    return mask


def by_distances(truth: Array, predicted: Array, classes: int) -> Array:
    """The definition, pixel by pixel: every contour pixel against every other."""
    radius = tolerance_pixels(*truth.shape)
    undecided = np.argwhere(truth == UNDECIDED)
    counts = np.zeros((4, classes), np.int64)
    for class_id in range(classes):
        wanted, found = contour_points(truth, class_id), contour_points(predicted, class_id)
        for row, points, others in ((0, found, wanted), (2, wanted, found)):
            counted = [p for p in points if not near(p, undecided, radius)]
            counts[row : row + 2, class_id] = sum(near(p, others, radius) for p in counted), len(counted)
    return counts


def contour_points(mask: Array, class_id: int) -> Array:
    height, width = mask.shape
    points = []
    for y, x in np.argwhere(mask == class_id).tolist():
        beside = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
        values = {int(mask[v, u]) for v, u in beside if 0 <= v < height and 0 <= u < width}
        if values - {class_id, UNDECIDED}:
            points.append((y, x))
    return np.array(points).reshape(-1, 2)


def near(point: Array, others: Array, radius: int) -> bool:
    return len(others) > 0 and bool((np.square(others - point).sum(axis=1) <= radius**2).any())


def test_the_tolerance_is_a_part_of_the_diagonal() -> None:
    assert tolerance_pixels(300, 400) == math.ceil(0.0075 * 500) == 4
    assert tolerance_pixels(3, 4) == 1


def test_equal_masks_agree() -> None:
    mask = square(40, 10, 10, 15)
    counts = boundary_counts(mask, mask, 3)
    inner, outer = 4 * 14, 4 * 15  # contour pixels of the square, and those around it
    assert counts[:, 1].tolist() == [inner] * 4
    assert counts[:, 0].tolist() == [outer] * 4
    assert boundary_f_scores(counts).tolist()[:2] == [1, 1]
    assert math.isnan(boundary_f_scores(counts)[2])  # in neither mask


def test_a_shift_within_the_tolerance_costs_nothing_and_a_larger_one_does() -> None:
    truth = square(40, 10, 10, 15)  # tolerance 1
    assert boundary_f_scores(boundary_counts(truth, square(40, 10, 11, 15), 2)).tolist() == [1, 1]
    scores = boundary_f_scores(boundary_counts(truth, square(40, 10, 13, 15), 2))
    assert scores.tolist() == pytest.approx(
        [28 / 60, 28 / 56]
    )  # the parts of both horizontal sides that still lie close


def test_the_edge_of_the_image_is_no_contour() -> None:
    everything = np.ones((20, 20), np.uint8)
    assert not boundary_counts(everything, everything, 2).any()


def test_a_class_in_one_mask_only_scores_nothing() -> None:
    truth, empty = square(40, 10, 10, 15), np.zeros((40, 40), np.uint8)
    for counts in (boundary_counts(truth, empty, 2), boundary_counts(empty, truth, 2)):
        assert boundary_f_scores(counts).tolist() == [0, 0]
    missed = boundary_counts(truth, empty, 2)
    assert math.isnan(boundary_precision(missed)[1])
    assert boundary_recall(missed)[1] == 0


def test_contours_beside_undecided_pixels_do_not_count() -> None:
    truth = square(60, 20, 20, 20)
    ring = square(60, 18, 18, 24) - square(60, 22, 22, 16)
    truth[ring == 1] = UNDECIDED
    assert not boundary_counts(truth, square(60, 20, 20, 20), 2).any()  # all of it lies in the ring
    predicted = square(60, 20, 20, 20) + square(60, 2, 2, 6)  # and one far from it
    counts = boundary_counts(truth, predicted, 2)
    assert counts[:, 1].tolist() == [0, 4 * 5, 0, 0]


@pytest.mark.parametrize(("undecided", "side"), [(0.0, 1), (0.01, 1), (0.3, 20)])
@pytest.mark.parametrize("classes", [3, 255])
def test_it_counts_what_the_definition_says(classes: int, undecided: float, side: int) -> None:
    """Undecided pixels are scattered squares."""
    random = np.random.default_rng(3)
    for _ in range(4):
        height, width = (int(side) for side in random.integers(30, 220, 2))  # tolerances of 1 and more
        blocks = random.integers(0, classes, (2, height // 10 + 1, width // 10 + 1)).astype(np.uint8)
        blocks[1] = np.where(random.random(blocks[1].shape) < 0.5, blocks[0], blocks[1])
        truth, predicted = blocks.repeat(10, axis=1).repeat(10, axis=2)[:, :height, :width]
        holes = random.random((height // side + 1, width // side + 1)) < undecided
        holes = holes.repeat(side, axis=0).repeat(side, axis=1)[:height, :width]
        truth = np.where(holes, UNDECIDED, truth).astype(np.uint8)
        assert np.array_equal(boundary_counts(truth, predicted, classes), by_distances(truth, predicted, classes))


def test_precision_recall_and_their_mean_over_several_sets() -> None:
    counts = np.array([[[3], [4], [1], [2]], [[0], [0], [0], [5]]])  # two sets, one class
    assert boundary_precision(counts)[0].tolist() == [0.75]
    assert boundary_recall(counts)[0].tolist() == [0.5]
    assert boundary_f_scores(counts).tolist() == [[pytest.approx(2 * 0.75 * 0.5 / 1.25)], [0]]


def test_it_is_quick() -> None:
    """Best of five: a machine that does other things may be slow once."""
    truth, predicted = (square(400, 60, left, 200)[:300] for left in (60, 66))
    truth[100:200, 100:200] = predicted[110:200, 110:200] = 2
    seconds = []
    for _ in range(5):
        start = time.process_time()
        boundary_counts(truth, predicted, 3)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.03
