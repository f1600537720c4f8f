import dataclasses

import numpy as np
import pytest

from app.core.labels import Label, LabelMap
from app.training.evaluation.bootstrap import Difference, bootstrap_intervals, measures, paired_differences
from app.training.evaluation.pictures import PictureResult, total_scores
from app.training.sources.oxford import PETS
from tests.training.evaluation.made_results import made_result, random_results

PLAIN = LabelMap((Label(0, "water", (0, 0, 255)), Label(1, "land", (0, 255, 0))))


def better(result: PictureResult, pixels: int) -> PictureResult:
    """The same picture with so many wrong pixels more of each class right."""
    matrix = result.matrix.copy()
    for class_id in range(len(matrix)):
        other = (class_id + 1) % len(matrix)
        moved = min(pixels, int(matrix[class_id, other]))
        matrix[class_id, class_id] += moved
        matrix[class_id, other] -= moved
    return dataclasses.replace(result, matrix=matrix)


def test_the_values_are_those_of_the_tables() -> None:
    results = random_results(12)
    scores = total_scores(results, PETS)
    found = {interval.measure: interval.value for interval in bootstrap_intervals(results, PETS)}
    assert list(found) == measures(PETS)
    assert found == {
        "mean IoU": pytest.approx(scores.mean_iou),
        **{f"IoU {name}": pytest.approx(value) for name, value in scores.iou.items()},
        "foreground + border IoU": pytest.approx(scores.foreground_iou),
        "pixel accuracy": pytest.approx(scores.pixel_accuracy),
        "boundary F-score": pytest.approx(scores.boundary_f_score),
    }


def test_the_intervals_are_those_of_drawing_the_pictures_one_by_one() -> None:
    results = random_results(12)
    random = np.random.default_rng(5)
    drawn = [total_scores([results[index] for index in random.integers(0, 12, 12)], PETS).mean_iou for _ in range(2000)]
    mean = bootstrap_intervals(results, PETS)[0]
    assert (mean.low, mean.high) == pytest.approx(np.percentile(drawn, (2.5, 97.5)).tolist(), abs=0.003)


def test_the_seed_determines_the_draws() -> None:
    results = random_results(12)
    assert bootstrap_intervals(results, PETS) == bootstrap_intervals(results, PETS)
    assert bootstrap_intervals(results, PETS) != bootstrap_intervals(results, PETS, seed=1)


def test_more_pictures_make_narrower_intervals() -> None:
    few, many = (bootstrap_intervals(random_results(count), PETS)[0] for count in (10, 90))
    assert few.high is not None
    assert few.low is not None
    assert many.high is not None
    assert many.low is not None
    assert many.high - many.low < (few.high - few.low) / 2


def test_what_cannot_be_measured_has_no_interval() -> None:
    results = [made_result([[5, 1], [2, 7]], "a"), made_result([[3, 1], [2, 9]], "b")]
    found = {interval.measure: interval for interval in bootstrap_intervals(results, PLAIN)}
    for name in ("foreground + border IoU", "boundary F-score"):
        assert (found[name].value, found[name].low, found[name].high) == (None, None, None)
    assert found["IoU water"].low is not None
    for difference in paired_differences(results, results, PLAIN)[-1:]:
        assert difference == Difference("boundary F-score", None, None, None, None)
        assert not difference.decided


def test_a_class_in_one_picture_only_is_measured_where_it_is_drawn() -> None:
    results = [made_result([[5, 1], [2, 7]], "a"), made_result([[9, 0], [0, 0]], "b")]
    land = {interval.measure: interval for interval in bootstrap_intervals(results, PLAIN)}["IoU land"]
    assert (land.value, land.low, land.high) == (0.7, 0.7, 0.7)


def test_a_network_that_is_better_on_every_picture_is_better() -> None:
    results = random_results(20)
    improved = [better(result, 3) for result in results]
    mean = paired_differences(improved, results, PETS)[0]
    assert mean.value == pytest.approx(total_scores(improved, PETS).mean_iou - total_scores(results, PETS).mean_iou)
    assert mean.value is not None
    assert mean.low is not None
    assert mean.low > 0
    assert (mean.above_zero, mean.decided) == (1, True)
    worse = paired_differences(results, improved, PETS)[0]
    assert worse.value == pytest.approx(-mean.value)
    assert (worse.above_zero, worse.decided) == (0, True)


def test_what_both_find_hard_cancels_out() -> None:
    """The same gain is hidden by the spread between pictures when each has its own draws."""
    results = random_results(20)
    improved = [better(result, 3) for result in results]
    paired = paired_differences(improved, results, PETS)[0]
    alone = bootstrap_intervals(results, PETS)[0]
    assert paired.high is not None
    assert paired.low is not None
    assert alone.high is not None
    assert alone.low is not None
    assert paired.high - paired.low < (alone.high - alone.low) / 3


def test_gains_and_losses_are_no_difference() -> None:
    results = random_results(20)
    mixed = [better(result, 30) if number % 2 else result for number, result in enumerate(results)]
    other = [result if number % 2 else better(result, 30) for number, result in enumerate(results)]
    mean = paired_differences(mixed, other, PETS)[0]
    assert not mean.decided
    assert mean.above_zero is not None
    assert 0.02 < mean.above_zero < 0.98


def test_other_pictures_are_no_pair() -> None:
    results = random_results(3)
    with pytest.raises(ValueError, match="the same pictures"):
        paired_differences(results, results[::-1], PETS)
