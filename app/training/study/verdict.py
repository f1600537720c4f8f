"""The verdict on each network, by the rule that was written down before the runs (docs/study.md)."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from app.training.study.interval import Array, Interval, paired_interval
from app.training.study.left_out import mean_height
from app.training.study.record import Cost, Outcome, StudyRecord

SMALLEST_DIFFERENCE = 0.01
"""Below it a difference in mean IoU does not matter, however sure it is."""

Verdict = Literal["better", "worse", "not decided"]


@dataclass(frozen=True)
class Comparison:
    """A network compared with the base.

    Args:
        network: it.
        per_block: difference to the base in each block.
        interval: of the mean difference; None with a single block.
    """

    network: Cost
    per_block: tuple[float, ...]
    interval: Interval | None

    @property
    def difference(self) -> float:
        """Mean over the blocks."""
        return float(np.mean(self.per_block))

    @property
    def verdict(self) -> Verdict:
        """The rule: the interval excludes zero, and the difference is at least .01."""
        if self.interval is None or self.interval.low <= 0 <= self.interval.high:
            return "not decided"
        if abs(self.difference) < SMALLEST_DIFFERENCE:
            return "not decided"
        return "better" if self.difference > 0 else "worse"


def comparisons(record: StudyRecord) -> list[Comparison]:
    """Every network but the base, in their order.

    Args:
        record: with at least one block.
    """
    base, *others = record.costs
    return [_compared(record, network, record.of(base.name)) for network in others]


def score(outcome: Outcome, measure: str) -> float:
    """What the verdict goes by: mean height of the validation curve, or mean IoU at the end."""
    if measure == "area":
        return float(mean_height(outcome.steps, np.array(outcome.mean_iou)))
    return outcome.validation.mean_iou


def _compared(record: StudyRecord, network: Cost, base: tuple[Outcome, ...]) -> Comparison:
    ours = record.of(network.name)
    per_block = np.array([_difference(one, other, network) for one, other in zip(ours, base, strict=True)])
    left_out = np.array(
        [_left_out(one, network) - _left_out(other, network) for one, other in zip(ours, base, strict=True)]
    )
    interval = paired_interval(per_block, left_out) if len(per_block) > 1 else None
    return Comparison(network, tuple(per_block.tolist()), interval)


def _difference(one: Outcome, other: Outcome, network: Cost) -> float:
    return score(one, network.measure) - score(other, network.measure)


def _left_out(outcome: Outcome, network: Cost) -> Array:
    """(N,) scores without each picture."""
    return np.array(outcome.left_out_area if network.measure == "area" else outcome.left_out)
