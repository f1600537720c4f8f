import importlib.util
import io

import numpy as np
import pytest
from PIL import Image

from app.training.plots import can_plot, compared_curves, learning_curves
from tests.training.drawn_pets import Array

History = list[dict[str, float]]


def history(rows: int, rising: bool = True) -> History:
    scores = np.linspace(0.2, 0.8, rows) if rising else np.linspace(0.8, 0.2, rows)
    return [
        {
            "step": 10.0 * number,
            "training_loss": 1 - float(score),
            "validation_cross_entropy": 1.2 - float(score),
            "validation_mean_iou": float(score),
            "validation_iou_pet": float(score) / 2,
            "validation_iou_border": float("nan"),
        }
        for number, score in enumerate(scores, start=1)
    ]


def drawn(rows: History) -> Array:
    with Image.open(io.BytesIO(learning_curves(rows, size=(4, 2)))) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def test_curves() -> None:
    rising, falling = drawn(history(5)), drawn(history(5, rising=False))
    assert rising.shape == (200, 400, 3)
    assert (rising != 255).any(axis=-1).mean() > 0.02
    assert not np.array_equal(rising, falling)


def test_one_validation_is_enough() -> None:
    assert drawn(history(1)).shape == (200, 400, 3)


def test_classes_of_any_name() -> None:
    rows = [row | {f"validation_iou_{name}": 0.5 for name in ("$\\frac{$", "고양이", "_a")} for row in history(2)]
    assert not np.array_equal(drawn(rows), drawn(history(2)))


def test_more_classes_than_there_are_colours_are_grey_lines() -> None:
    rows = [row | {f"validation_iou_{n}": n / 60 for n in range(60)} for row in history(3)]
    seen = drawn(rows)
    assert seen.shape == (200, 400, 3)
    assert (seen == 191).all(axis=-1).sum() > 100


def test_whether_matplotlib_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert can_plot()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert not can_plot()


def compared(**histories: History) -> Array:
    with Image.open(io.BytesIO(compared_curves(histories, size=(4, 2)))) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def test_curves_of_several_runs() -> None:
    one, two = ([row | {"pictures": 16 * row["step"]} for row in history(4, rising)] for rising in (True, False))
    both = compared(one=one, two=two)
    assert both.shape == (200, 400, 3)
    assert not np.array_equal(both, compared(one=one))
    trained_on_all = [{"step": 10.0, "pictures": 160.0, "training_loss": 1.0}]
    assert np.array_equal(compared(one=one, all=trained_on_all, begun=[]), compared(one=one))
    assert compared(begun=[]).shape == both.shape
