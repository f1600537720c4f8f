"""Learning curves as a PNG (with matplotlib, extra `train`)."""

import importlib.util
import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
    with _any_text():
        return _learning_curves(history, size)


def compared_curves(histories: Mapping[str, list[dict[str, float]]], size: tuple[float, float] = (7.0, 4.0)) -> bytes:
    """Validation mean IoU of several runs by pictures seen.

    Args:
        histories: rows of the history by name of the run; those without a validation are left out.
        size: width and height, inches.

    Returns:
        A PNG.
    """
    with _any_text():
        figure = _figure(size)
        axes = figure.subplots()
        for name, history in histories.items():
            rows = [row for row in history if "validation_mean_iou" in row]
            scores = [row["validation_mean_iou"] for row in rows]
            if rows:
                axes.plot([row["pictures"] for row in rows], scores, marker=".", label=name)
        axes.set(xlabel="training pictures seen", ylabel="validation mean IoU")
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(frameon=False, fontsize="small")
        return _png(figure)


@contextmanager
def _any_text() -> Iterator[None]:
    """Classes and runs may be called $x$, or have letters that the font lacks: those are boxes."""
    import matplotlib

    with matplotlib.rc_context({"text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield


def _figure(size: tuple[float, float]) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")


def _png(figure: Any) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    encoded = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(encoded, format="png")
    return encoded.getvalue()


def _learning_curves(history: list[dict[str, float]], size: tuple[float, float]) -> bytes:
    figure = _figure(size)
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
    return _png(figure)


def _lines(axes: Any, steps: list[float], history: list[dict[str, float]], named: dict[str, str]) -> None:
    for name, label in named.items():
        axes.plot(steps, [row[name] for row in history], marker=".", label=label)
