"""Learning curves as a PNG (with matplotlib, extra `train`)."""

import importlib.util
import io
import warnings
from typing import Any

MOST_NAMED = 12
"""Of more classes than that none has a colour of its own."""


def can_plot() -> bool:
    """Whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def learning_curves(history: list[dict[str, float]], size: tuple[float, float] = (9.0, 3.6)) -> bytes:
    """Loss and, where there was a validation, its IoU by gradient step.

    Args:
        history: rows of a run's history.
        size: width and height, inches.

    Returns:
        A PNG.
    """
    import matplotlib

    with matplotlib.rc_context({"text.parse_math": False}), warnings.catch_warnings():  # a class may be called $x$
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # letters that the font lacks are boxes
        return _learning_curves(history, size)


def _learning_curves(history: list[dict[str, float]], size: tuple[float, float]) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    steps = [row["step"] for row in history]
    losses = {"training_loss": "training loss", "validation_cross_entropy": "validation cross-entropy"}
    _lines(left, steps, history, {name: label for name, label in losses.items() if name in history[0]})
    left.set(xlabel="gradient step", ylabel="loss", ylim=(0, None))
    prefix = "validation_iou_"
    classes = {name: name.removeprefix(prefix) for name in history[0] if name.startswith(prefix)}
    if len(classes) <= MOST_NAMED:
        _lines(right, steps, history, classes)
    else:
        right.plot(steps, [[row[name] for name in classes] for row in history], color="0.75", linewidth=0.8)
    if "validation_mean_iou" in history[0]:
        scores = [row["validation_mean_iou"] for row in history]
        right.plot(steps, scores, color="black", linewidth=2, marker=".", label="mean")
    right.set(xlabel="gradient step", ylabel="validation IoU", ylim=(0, 1))
    for axes in (left, right):
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(frameon=False)
    encoded = io.BytesIO()
    canvas.print_figure(encoded, format="png")
    return encoded.getvalue()


def _lines(axes: Any, steps: list[float], history: list[dict[str, float]], named: dict[str, str]) -> None:
    for name, label in named.items():
        axes.plot(steps, [row[name] for row in history], marker=".", label=label)
