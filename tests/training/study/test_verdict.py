import numpy as np
import pytest

from app.training.study.configurations import Measure
from app.training.study.interval import Interval
from app.training.study.verdict import Comparison, comparisons, score
from tests.training.study.drawn_study import GAINS, drawn_outcome, drawn_record


def compared(difference: float, low: float, high: float) -> Comparison:
    network = drawn_record(1).costs[1]
    return Comparison(network, (difference,) * 3, Interval(difference, low, high, 0.01, 0.01, 2))


@pytest.mark.parametrize(
    ("difference", "low", "high", "verdict"),
    [
        (0.02, 0.001, 0.039, "better"),
        (-0.02, -0.039, -0.001, "worse"),
        (0.02, -0.001, 0.041, "not decided"),
        (-0.02, -0.041, 0.001, "not decided"),
        (0.009, 0.005, 0.013, "not decided"),  # sure, but too small to matter
        (-0.009, -0.013, -0.005, "not decided"),
        (0.01, 0.005, 0.015, "better"),
        (0.02, 0.0, 0.04, "not decided"),
    ],
)
def test_the_rule(difference: float, low: float, high: float, verdict: str) -> None:
    assert compared(difference, low, high).verdict == verdict


def test_verdicts_of_a_study() -> None:
    found = {comparison.network.name: comparison for comparison in comparisons(drawn_record())}
    assert list(found) == [cost.name for cost in drawn_record().costs[1:]]
    assert {name: comparison.verdict for name, comparison in found.items() if comparison.verdict != "not decided"} == {
        "no-shortcut": "worse",
        "inception": "worse",
    }
    for name, gain in GAINS.items():
        assert found[name].difference == pytest.approx(gain, abs=0.01)


def test_blocks_are_paired() -> None:
    """Blocks differ by .02, which all networks of a block share: it is no part of a difference."""
    (comparison,) = [c for c in comparisons(drawn_record()) if c.network.name == "no-shortcut"]
    for block, difference in enumerate(comparison.per_block):
        ours, base = drawn_outcome("no-shortcut", block), drawn_outcome("base", block)
        assert difference == pytest.approx(ours.validation.mean_iou - base.validation.mean_iou)
    assert np.ptp(comparison.per_block) < 0.02


def test_one_block_decides_nothing() -> None:
    for comparison in comparisons(drawn_record(blocks=1)):
        assert (comparison.interval, comparison.verdict) == (None, "not decided")


@pytest.mark.parametrize(("measure", "expected"), [("final", 0.0), ("area", -0.075)])
def test_what_a_verdict_goes_by(measure: Measure, expected: float) -> None:
    outcome = drawn_outcome("base", 0)
    assert score(outcome, measure) == pytest.approx(outcome.mean_iou[-1] + expected, abs=1e-5)
