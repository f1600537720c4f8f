"""The numbers of a study as Markdown: tables, and an answer to each question."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from app.training.evaluation.scoring import markdown
from app.training.study.record import Cost, StudyRecord
from app.training.study.verdict import Comparison, comparisons, score

MEASURES = {"area": "mean height of the validation curve", "final": "mean IoU at the end"}
VERDICTS = {
    "better": "better than the base",
    "worse": "worse than the base",
    "not decided": "not decided at this scale",
}


def sections(record: StudyRecord) -> dict[str, str]:
    """Markdown by name of the section of `study.md` that it fills.

    Args:
        record: with at least one block.
    """
    found = comparisons(record)
    answers = {
        str(question): "\n".join(
            [f"![](images/study-{question}.png)", "", *(f"- {answer(comparison)}" for comparison in those)]
        )
        for question, those in groupby(found, key=lambda comparison: comparison.network.question)
    }
    return {
        "runs": runs(record),
        "share": share(record),
        "costs": costs(record),
        "quality": quality(record),
        "differences": "\n".join(["![](images/study-differences.png)", "", differences(found)]),
        **answers,
    }


def runs(record: StudyRecord) -> str:
    """How the numbers came about, in a sentence or two."""
    steps, batch = record.outcomes[0].steps[-1], record.training["batch_size"]
    size = record.training["size"]
    seeds = ", ".join(map(str, sorted({record.seed + outcome.block for outcome in record.outcomes})))
    pictures = record.pictures
    return (
        f"{len(record.outcomes)} runs: {len(record.costs)} networks in {record.blocks} block(s) of one seed each "
        f"({seeds}), {steps:,} steps of {batch} pictures at {size}×{size}. Trained on {pictures['training']:,} "
        f"pictures, validated on {pictures['validation']:,}, always the same. Made on {'; '.join(record.machines)}. "
        f"Data `{record.fingerprint[:12]}`."
    )


def share(record: StudyRecord) -> str:
    """How small a part of the base the separable convolutions are."""
    base = record.costs[0]
    part = 100 * base.separable_parameters / base.parameters
    return (
        f"The base has {base.parameters:,} parameters; its separable convolutions hold {base.separable_parameters:,} "
        f"of them, {part:.1f} %."
    )


def costs(record: StudyRecord) -> str:
    """Parameters, multiply–accumulates, milliseconds of each network."""
    base, times = record.costs[0], record.times

    def row(network: Cost) -> list[str]:
        encoder = network.encoder_parameters
        change = f" ({_signed(100 * (encoder / base.encoder_parameters - 1), 1)} %)" if network != base else ""
        timed = ["–", "–"]
        if times:
            timed = [f"{times.milliseconds[network.name]:.1f}", f"{times.ratio[network.name]:.2f}"]
        return [network.title, f"{network.parameters:,}", f"{encoder:,}{change}", f"{network.macs / 1e6:.1f}", *timed]

    head = ["network", "parameters", "of these in the encoder", "million MACs", "ms a picture", "times the base"]
    text = markdown(head, [row(network) for network in record.costs])
    if times is None:
        return text
    how = f"{times.engine}; {times.machine}; median of {times.rounds} pictures, the networks in turn"
    return f"{text}\n\nMACs and time are those of the inference graph. Time: {how}."


def quality(record: StudyRecord) -> str:
    """Scores of each network's last state: means over the blocks, with the smallest and largest of the first."""
    classes = list(record.outcomes[0].validation.iou)
    head = ["network", "validation mean IoU", *(f"IoU {name}" for name in classes), "cross-entropy"]
    head += ["training mean IoU", "gap", "mean height of the curve"]

    def row(network: Cost) -> list[str]:
        outcomes = record.of(network.name)
        finals = [outcome.validation.mean_iou for outcome in outcomes]
        trained = [outcome.training.mean_iou for outcome in outcomes]
        return [
            network.title,
            f"{np.mean(finals):.3f} ({min(finals):.3f}–{max(finals):.3f})",
            *(_mean([outcome.validation.iou[name] for outcome in outcomes]) for name in classes),
            _mean([outcome.validation.cross_entropy for outcome in outcomes]),
            _mean(trained),
            _signed(float(np.mean(trained) - np.mean(finals))),
            _mean([score(outcome, "area") for outcome in outcomes]),
        ]

    return markdown(head, [row(network) for network in record.costs])


def differences(found: Sequence[Comparison]) -> str:
    """Each network against the base, as the verdict goes by it."""
    head = ["network", "by", "in each block", "difference", "95 % interval", "s.e. of seeds", "of pictures", "verdict"]
    rows = []
    for comparison in found:
        interval, network = comparison.interval, comparison.network
        numbers = ["–", "–", "–"]
        if interval:
            numbers = [_range(comparison), f"{interval.seeds:.3f}", f"{interval.pictures:.3f}"]
        blocks = ", ".join(_signed(difference) for difference in comparison.per_block)
        row = [network.title, MEASURES[network.measure], blocks, _signed(comparison.difference), *numbers]
        rows.append([*row, f"**{VERDICTS[comparison.verdict]}**"])
    return markdown(head, rows)


def answer(comparison: Comparison) -> str:
    """One comparison in a sentence, beside what the article says."""
    network = comparison.network
    interval = f" (95 % interval {_range(comparison)})" if comparison.interval else " (one block: no interval)"
    verdict = f"**{VERDICTS[comparison.verdict]}**{_beside_the_article(comparison)}"
    return f"{network.title}: {MEASURES[network.measure]} {_signed(comparison.difference)}{interval}: {verdict}."


def _beside_the_article(comparison: Comparison) -> str:
    claim, verdict = comparison.network.claim, comparison.verdict
    if claim is None:
        return ""
    if verdict == "not decided":
        return f"; the article says: {claim}"
    return ", as the article says" if verdict == "worse" else ", against what the article says"


def _range(comparison: Comparison) -> str:
    assert comparison.interval is not None
    return f"{_signed(comparison.interval.low)} to {_signed(comparison.interval.high)}"


def _signed(value: float, places: int = 3) -> str:
    """With a sign that is as wide as a plus."""
    return f"{value:+.{places}f}".replace("-", "−")


def _mean(values: Sequence[float | None]) -> str:
    measured = [value for value in values if value is not None]
    return f"{np.mean(measured):.3f}" if measured else "–"
