"""The report of an evaluation as one HTML page."""

from collections.abc import Mapping, Sequence

from app import __version__
from app.core.labels import LabelMap
from app.store.scores import SplitMetrics
from app.training.evaluation.bootstrap import DRAWS
from app.training.evaluation.calibration import BINS
from app.training.evaluation.class_tables import class_table, confusion_table
from app.training.evaluation.diagrams import reliability_diagram
from app.training.evaluation.gallery import Exhibit
from app.training.evaluation.report import Comparison, PictureScore, Report
from app.training.evaluation.scoring import MOST_COLUMNS, cells, columns, rows, shown
from app.training.evaluation.text import difference_cells, interval_text
from app.training.html import (
    Html,
    Section,
    figure,
    gallery,
    joined,
    legend,
    numbers,
    page,
    paragraph,
    picture,
    row,
    table,
)

IOU = (
    "IoU (intersection over union) of a class: pixels that are of the class in both masks, divided by those that are "
    "of it in at least one. 1 is perfect. It is counted over all pixels of all pictures together."
)

WORST = "Those with the lowest mean IoU of their own, the worst first. Is it the network that is wrong, or the truth?"
RANDOM = "Drawn from all: how the network does as a rule."
CAPTIONED = 8
"""Most classes below a picture; of more the lowest."""


def report_page(report: Report, labels: LabelMap, worst: Sequence[Exhibit], random: Sequence[Exhibit]) -> str:
    """One self-contained page: scores, where they come from, how sure they are, and pictures to look at."""
    whole = report.whole
    sections = [
        Section("In short", [_key_figures(report)]),
        Section("Scores", [_scores(report.metrics), IOU]),
        *([_compared(report, report.comparison)] if report.comparison else []),
        Section("Each class", [class_table(report, labels)]),
        *([_groups(report)] if report.by_source or report.by_kind else []),
        Section("What is taken for what", [confusion_table(report)]),
        Section("Can its probabilities be trusted?", _calibration(report)),
        Section("The worst pictures", [WORST, *_gallery(worst, labels)]),
        Section("Pictures at random", [RANDOM, *_gallery(random, labels)]),
    ]
    height, width = report.size
    windows = f", in windows of {report.tile}" if report.tile else ""
    lead = (
        f"Scored on the {whole.pictures} pictures of the list “{report.split}”, each mask at its own size. Pictures "
        f"are brought to {height}×{width} for the network ({report.resize}{windows})."
    )
    footer = f"Made by segserve {__version__}. All numbers are in report.json beside this page."
    return page(f"{report.network} on {report.split}", lead, sections, footer)


def _key_figures(report: Report) -> Html:
    found = {interval.measure: interval for interval in report.intervals}
    notes = {
        "mean IoU": "overlap with the truth, mean of the classes",
        "foreground + border IoU": "the object with its border against the rest",
        "pixel accuracy": "share of pixels with the right class",
        "boundary F-score": "how well contours are met",
    }
    values: dict[str, tuple[str, str]] = {
        name: (shown(found[name].value), joined([interval_text(found[name]), Html("<br>"), note]))
        for name, note in notes.items()
    }
    error = report.whole.expected_calibration_error
    values["calibration error"] = (shown(error), "gap between confidence and truth; 0 is best")
    caption = (
        f"The ranges below the numbers are 95 % intervals: the evaluation was repeated {DRAWS:,} times on as many "
        "pictures drawn from these with replacement (bootstrap). They say how far a score depends on which pictures "
        "happened to be in the list."
    )
    return joined([numbers(values), paragraph(caption)])


def _scores(metrics: Mapping[str, SplitMetrics]) -> Html:
    caption = (
        "“With flip” averages the probabilities of each picture and of its mirror image: better, at twice the time. "
        "Dice is twice the overlap divided by the sum of both areas. Cross-entropy is the mean of −ln p of the true "
        "class: it punishes being sure and wrong. For it and for the calibration error, lower is better."
    )
    return table(["list", "pictures", *columns(next(iter(metrics.values())))], _rows(metrics), caption)


def _rows(metrics: Mapping[str, SplitMetrics]) -> list[list[str]]:
    return [[name, str(pictures), *cells(scores)] for name, pictures, scores in rows(metrics)]


def _compared(report: Report, comparison: Comparison) -> Section:
    both = {report.network: report.whole, comparison.network: comparison.metrics}
    many = len(report.classes) > MOST_COLUMNS
    differences = [
        [*difference_cells(each), "yes" if each.decided else "no"]
        for each in comparison.differences
        if each.decided or not (many and each.measure.startswith("IoU "))
    ]
    caption = (
        f"{report.network} less {comparison.network}, both on the same pictures in each of {DRAWS:,} draws (paired "
        "bootstrap): what both find hard cancels out. A difference is one where the interval leaves out zero."
    )
    if many:
        caption += " Of the classes only those with a difference are shown; one in twenty has one by chance."
    head = ["measure", "difference", "95 % interval", "draws above zero", "a difference?"]
    return Section(
        f"Against {comparison.network}",
        [
            table(["network", "pictures", *columns(report.whole)], _rows(both), "Both networks."),
            table(head, differences, caption),
        ],
    )


def _groups(report: Report) -> Section:
    parts = [
        table([title, "pictures", *columns(report.whole)], _rows(groups), caption)
        for title, groups, caption in (
            ("source", report.by_source, "By where the pictures come from."),
            ("kind", report.by_kind, "By kind of picture: the first part of its stratum, such as the species."),
        )
        if groups
    ]
    words = "A mean can hide a group that fares badly. Few pictures in a group make its scores uncertain."
    return Section("Groups of pictures", [words, *parts])


def _calibration(report: Report) -> list[str]:
    error = report.whole.expected_calibration_error or 0.0
    caption = (
        f"Pixels sorted into {BINS} bins by the probability of their winning class. Blue: the share of them that is "
        "right. Orange: the gap to what the network promised. On the dashed line it promises what it keeps; bars that "
        "end below the line mean that it is too sure. The expected calibration error is the mean gap over all pixels: "
        f"{error:.3f}. The strip below says how many pixels a bin holds."
    )
    words = "If the network says 0.8, then 8 of 10 such pixels should be right."
    return [words, figure(reliability_diagram(report.reliability, error), caption)]


def _gallery(exhibits: Sequence[Exhibit], labels: LabelMap) -> list[Html]:
    names = legend([(label.name, label.colour) for label in labels])
    words = "From left to right: picture, truth, mask of the network, difference (wrong red, undecided grey)."
    return [paragraph(words), names, gallery([_exhibit(each) for each in exhibits])]


def _exhibit(each: Exhibit) -> Html:
    name = each.score.name
    pictures = row(
        [
            picture(each.picture, f"Picture {name}"),
            picture(each.truth, f"True mask of {name}"),
            picture(each.mask, f"Mask that the network gives for {name}"),
            picture(each.difference, f"Wrong pixels of {name}: {100 * (1 - each.score.pixel_accuracy):.1f} %"),
        ]
    )
    return figure(pictures, _caption(each.score))


def _caption(score: PictureScore) -> str:
    there = {name: iou for name, iou in score.iou.items() if iou is not None}
    lowest = sorted(there, key=there.__getitem__)[:CAPTIONED] if len(there) > CAPTIONED else there
    classes = ", ".join(f"{name} {shown(there[name])}" for name in lowest)
    classes += f" and {len(there) - len(lowest)} better ones" if len(there) > len(lowest) else ""
    origin = " ".join(part for part in (score.source, score.mask_kind) if part)
    return f"{score.name}{f' ({origin})' if origin else ''}: mean IoU {score.mean_iou:.3f} ({classes})"
