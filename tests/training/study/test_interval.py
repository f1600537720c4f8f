import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]  # scipy ships no types

from app.training.study.interval import paired_interval, student_quantile
from tests.training.drawn_pets import Array


def jackknifed(values: Array) -> Array:
    """(B, N) means of each row without each of its values."""
    count = values.shape[1]
    return np.asarray((values.sum(axis=1, keepdims=True) - values) / (count - 1))


@pytest.mark.parametrize("freedom", [1.0, 1.7, 2.0, 4.0, 30.5, 1000.0])
@pytest.mark.parametrize("probability", [0.5, 0.9, 0.975, 0.99])
def test_quantiles_are_those_of_scipy(probability: float, freedom: float) -> None:
    assert student_quantile(probability, freedom) == pytest.approx(
        stats.t.ppf(probability, freedom), rel=1e-6, abs=1e-9
    )


def test_without_luck_of_the_pictures_it_is_students_interval_over_the_blocks() -> None:
    differences = np.array([0.01, 0.03, 0.05])
    found = paired_interval(differences, np.repeat(differences[:, None], 20, axis=1))
    low, high = stats.t.interval(0.95, 2, loc=0.03, scale=0.02 / np.sqrt(3))
    assert [found.difference, found.freedom] == pytest.approx([0.03, 2])
    assert [found.low, found.high] == pytest.approx([low, high])
    assert [found.seeds, found.pictures] == pytest.approx([0.02 / np.sqrt(3), 0])


def test_without_luck_of_the_seeds_it_is_students_interval_over_the_pictures() -> None:
    values = np.tile(np.random.default_rng(1).normal(0.02, 0.1, 50), (4, 1))
    found = paired_interval(values.mean(axis=1), jackknifed(values))
    low, high = stats.t.interval(0.95, 49, loc=values[0].mean(), scale=stats.sem(values[0]))
    assert [found.low, found.high] == pytest.approx([low, high])
    assert found.seeds == pytest.approx(0, abs=1e-12)


def test_without_any_luck_it_has_no_width() -> None:
    found = paired_interval(np.full(3, 0.02), np.full((3, 9), 0.02))
    assert (found.low, found.high, found.freedom) == (0.02, 0.02, 2)


@pytest.mark.parametrize(("seeds", "pictures"), [(0.003, 0.006), (0.01, 0.003), (0.02, 0.003), (0.02, 0.0)])
def test_it_holds_the_truth_about_as_often_as_it_says(seeds: float, pictures: float) -> None:
    """The table of docs/study.md: three blocks, 120 pictures."""
    random = np.random.default_rng(2)
    trials, count = 1000, 120
    held = 0
    for _ in range(trials):
        spread = np.sqrt(count)
        values = (
            random.normal(0, seeds, (3, 1))
            + random.normal(0, pictures * spread, (1, count))
            + random.normal(0, 0.003 * spread, (3, count))
        )
        found = paired_interval(values.mean(axis=1), jackknifed(values))
        held += found.low < 0 < found.high
    assert 0.91 < held / trials < 0.98
