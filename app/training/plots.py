"""Learning curves as a PNG (with matplotlib, extra `train`)."""

import importlib.util
import io
from typing import Any


def can_plot() -> bool:
    """Whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def learning_curves(history: list[dict[str, float]], size: tuple[float, float] = (9.0, 3.6)) -> bytes:
    """Loss and validation IoU by gradient step.

    Args:
        history: rows of a run's history.
        size: width and height, inches.

    Returns:
        A PNG.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    steps = [row["step"] for row in history]
    _lines(
        left, steps, history, {"training_loss": "training loss", "validation_cross_entropy": "validation cross-entropy"}
    )
    left.set(xlabel="gradient step", ylabel="loss", ylim=(0, None))
    prefix = "validation_iou_"
    classes = {name: name.removeprefix(prefix) for name in history[0] if name.startswith(prefix)}
    _lines(right, steps, history, classes)
    right.plot(
        steps, [row["validation_mean_iou"] for row in history], color="black", linewidth=2, marker=".", label="mean"
    )
    right.set(xlabel="gradient step", ylabel="validation IoU", ylim=(0, 1))
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    encoded = io.BytesIO()
    canvas.print_figure(encoded, format="png")
    return encoded.getvalue()


def _lines(axes: Any, steps: list[float], history: list[dict[str, float]], named: dict[str, str]) -> None:
    for name, label in named.items():
        axes.plot(steps, [row[name] for row in history], marker=".", label=label)
