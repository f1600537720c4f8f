"""Tables of an evaluation's page that grow with the classes: their scores, and what is taken for what."""

from math import inf

from app.core.labels import LabelMap
from app.training.evaluation.boundary import TOLERANCE
from app.training.evaluation.report import Report
from app.training.evaluation.scoring import MOST_COLUMNS, shown
from app.training.evaluation.text import interval_text
from app.training.html import Html, shaded, swatch, table

CONFUSIONS = 100
"""Most confusions in a list of them."""


def class_table(report: Report, labels: LabelMap) -> Html:
    """Scores of each class with their intervals; of very many classes the lowest IoU first."""
    found = {interval.measure: interval for interval in report.intervals}
    pixels = sum(map(sum, report.confusion))
    ordered = list(zip(labels, report.boundary.values(), strict=True))
    if len(labels) > MOST_COLUMNS:
        ordered.sort(key=lambda pair: inf if (iou := report.whole.iou[pair[0].name]) is None else iou)
    body = [
        [
            swatch(label.name, label.colour),
            f"{100 * sum(report.confusion[label.id]) / pixels:.1f} %",
            shown(report.whole.iou[label.name]),
            interval_text(found[f"IoU {label.name}"]),
            shown(report.whole.dice[label.name]),
            *map(shown, (boundary.precision, boundary.recall, boundary.f_score)),
        ]
        for label, boundary in ordered
    ]
    caption = (
        f"Boundary precision: share of the predicted contour that lies within {100 * TOLERANCE:g} % of the image's "
        "diagonal of the true one. Boundary recall: share of the true contour that was met so. The F-score is their "
        "harmonic mean. A dash: no picture has the class."
        f"{' The lowest IoU comes first.' if len(labels) > MOST_COLUMNS else ''}"
    )
    head = ["class", "share of pixels", "IoU", "95 % interval", "Dice"]
    return table([*head, "boundary precision", "boundary recall", "boundary F-score"], body, caption)


def confusion_table(report: Report) -> Html:
    """What is taken for what: the confusion matrix, or of very many classes the largest confusions."""
    if len(report.classes) > MOST_COLUMNS:
        return _largest_confusions(report)
    body = []
    for name, counts in zip(report.classes, report.confusion, strict=True):
        shares = [count / max(1, sum(counts)) for count in counts]
        body.append([name, *(shaded(f"{100 * share:.1f} %", share) for share in shares)])
    caption = (
        "Confusion matrix. Each row holds all pixels that truly are of one class and says what share of them was taken "
        "for which class; a row sums to 100 %. On the diagonal they are right."
    )
    return table(["true class", *(f"taken for {name}" for name in report.classes)], body, caption)


def _largest_confusions(report: Report) -> Html:
    totals = [sum(counts) for counts in report.confusion]
    wrong = [
        (count, true, taken)
        for true, counts in enumerate(report.confusion)
        for taken, count in enumerate(counts)
        if true != taken and count
    ]
    errors = max(1, sum(count for count, _, _ in wrong))
    body = [
        [
            report.classes[true],
            report.classes[taken],
            shaded(f"{100 * count / totals[true]:.1f} %", count / totals[true]),
            f"{100 * count / errors:.1f} %",
        ]
        for count, true, taken in sorted(wrong, reverse=True)[:CONFUSIONS]
    ]
    caption = (
        f"The {len(body)} largest of {len(wrong):,} confusions, by the number of pixels. The whole matrix is in "
        "report.json."
    )
    return table(["true class", "taken for", "of the pixels of that class", "of all wrong pixels"], body, caption)
