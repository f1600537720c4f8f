"""The pictures of a study as PNG (with matplotlib, extra `train`)."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image

from app.core.errors import TrainingError
from app.training.plots import can_plot
from app.training.study.configurations import Question
from app.training.study.record import Cost, StudyRecord
from app.training.study.verdict import SMALLEST_DIFFERENCE, comparisons

TITLES: dict[Question, str] = {
    "figure-6": "Which convolution learns faster? (the article's Figure 6)",
    "figure-9": "Does the shortcut help? (the article's Figure 9)",
    "figure-10": "An activation between depthwise and pointwise? (the article's Figure 10)",
    "depth": "Is deeper better?",
}
BASE_COLOUR = "#000000"
COLOURS = ("#d55e00", "#0072b2")
"""Of the others; told apart with any colour vision (Okabe and Ito)."""
DECIDED = {"better": "#009e73", "worse": "#d55e00", "not decided": "#666666"}
RESOLUTION = 110
PALETTE = 96
"""Colours of a file: as sharp as all of them, and half the size."""


def draw_figures(record: StudyRecord) -> dict[str, bytes]:
    """Every picture, by the name of its file.

    Raises:
        TrainingError: matplotlib is not installed.
    """
    if not can_plot():
        raise TrainingError('matplotlib is not installed: no pictures of the study. pip install "segserve[train]"')
    base, *others = record.costs
    pictures = {}
    for question, title in TITLES.items():
        networks = [network for network in others if network.question == question]
        if networks:
            pictures[f"study-{question}.png"] = learning_curves(record, [base, *networks], title)
    return pictures | {"study-differences.png": differences(record)}


def learning_curves(record: StudyRecord, networks: Sequence[Cost], title: str) -> bytes:
    """Validation mean IoU and cross-entropy by gradient step: mean over the blocks, and a band over all of them."""
    figure, save = _figure(8.0, 3.6)
    figure.suptitle(title, fontsize="medium")
    left, right = figure.subplots(1, 2)
    for network, colour in zip(networks, (BASE_COLOUR, *COLOURS), strict=False):
        outcomes = record.of(network.name)
        for axes, curves in (
            (left, [outcome.mean_iou for outcome in outcomes]),
            (right, [outcome.cross_entropy for outcome in outcomes]),
        ):
            values = np.array(curves)  # (blocks, validations)
            steps = outcomes[0].steps
            axes.fill_between(steps, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.15, linewidth=0)
            axes.plot(steps, values.mean(axis=0), color=colour, marker=".", label=network.title)
    for axes, label in ((left, "validation mean IoU"), (right, "validation cross-entropy")):
        axes.set(xlabel="gradient step", ylabel=label)
        axes.grid(alpha=0.3)
    left.legend(frameon=False, fontsize="small")
    return save()


def differences(record: StudyRecord) -> bytes:
    """A forest plot: each network's difference to the base, its interval, its blocks."""
    found = comparisons(record)
    figure, save = _figure(8.0, 0.8 + 0.45 * len(found))
    axes = figure.subplots()
    axes.axvspan(-SMALLEST_DIFFERENCE, SMALLEST_DIFFERENCE, color="#000000", alpha=0.07, linewidth=0)
    axes.axvline(0, color=BASE_COLOUR, linewidth=0.8)
    for row, comparison in enumerate(found):
        colour = DECIDED[comparison.verdict]
        if comparison.interval:
            axes.plot([comparison.interval.low, comparison.interval.high], [row, row], color=colour, linewidth=2)
        blocks = comparison.per_block
        axes.plot(blocks, [row] * len(blocks), "|", color=colour, markersize=9)
        axes.plot(comparison.difference, row, "o", color=colour)
        axes.annotate(comparison.verdict, (1.01, row), xycoords=("axes fraction", "data"), va="center", color=colour)
    measures = {"area": "mean height of the curve", "final": "at the end"}
    labels = [f"{comparison.network.title}\n{measures[comparison.network.measure]}" for comparison in found]
    axes.set_yticks(range(len(found)), labels, fontsize="small")
    axes.invert_yaxis()
    axes.set_xlabel("difference to the base in mean IoU, 95 % interval; ticks: the blocks; shaded: too small to matter")
    axes.grid(alpha=0.3, axis="x")
    return save()


def _figure(width: float, height: float) -> tuple[Any, Callable[[], bytes]]:
    """A figure of that size in inches, and what saves it as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=RESOLUTION, layout="constrained")
    canvas = FigureCanvasAgg(figure)

    def save() -> bytes:
        drawn, encoded = io.BytesIO(), io.BytesIO()
        canvas.print_figure(drawn, format="png")
        with Image.open(drawn) as image:
            image.convert("RGB").quantize(PALETTE).save(encoded, "PNG", optimize=True)
        return encoded.getvalue()

    return figure, save
