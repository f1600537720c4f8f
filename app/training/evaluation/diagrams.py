"""Diagrams of an evaluation as inline SVG, in the colours of the page around them."""

from collections.abc import Sequence
from html import escape

from app.training.evaluation.calibration import ReliabilityBin
from app.training.html import Html

SIDE, LEFT, TOP, BELOW, STRIP = 360, 62, 14, 52, 76
"""Pixels: side of the plot, margins around it, height of the strip of pixel shares."""
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def reliability_diagram(bins: Sequence[ReliabilityBin], error: float) -> Html:
    """Accuracy against winning probability in each bin, and below it the share of the pixels in each bin.

    Args:
        bins: of the winning probability.
        error: the expected calibration error, for those who don't see the drawing.
    """
    total = max(1, sum(each.pixels for each in bins))
    bars = "".join(_bar(each) + _share(each, total) for each in bins if each.pixels)
    words = (
        f"Reliability diagram of {len(bins)} bins: the share of right pixels against the winning probability. "
        f"On average they lie {error:.3f} apart."
    )
    width, height = LEFT + SIDE + 20, TOP + SIDE + BELOW + STRIP + BELOW
    axes = "".join(map(_tick, TICKS)) + _frame(TOP, SIDE) + _frame(_strip_top(), STRIP) + _titles()
    diagonal = _line(0, 0, 1, 1, "stroke: var(--soft); stroke-dasharray: 5 4")
    return Html(
        f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="{escape(words)}" '
        f'font-size="12" style="fill: var(--soft)">{axes}{bars}{diagonal}</svg>'
    )


def _bar(each: ReliabilityBin) -> str:
    """The accuracy as a bar, its gap to the mean confidence as an outlined one."""
    accuracy, confidence = each.accuracy or 0.0, each.confidence or 0.0
    low, high = sorted((accuracy, confidence))
    over = " ".join(("too sure" if confidence > accuracy else "not sure enough", f"by {high - low:.3f}"))
    note = f"{each.low:.2f} to {each.high:.2f}: confidence {confidence:.3f}, right {accuracy:.3f}, {over}"
    gap = _box(each, low, high, "fill: var(--warm); fill-opacity: .35; stroke: var(--warm)")
    return f"<g><title>{note}</title>{_box(each, 0, accuracy, 'fill: var(--accent); fill-opacity: .75')}{gap}</g>"


def _box(each: ReliabilityBin, low: float, high: float, style: str) -> str:
    left, right = _x(each.low) + 1, _x(each.high) - 1
    top, bottom = _y(high), _y(low)
    size = f'width="{right - left:.1f}" height="{bottom - top:.1f}"'
    return f'<rect x="{left:.1f}" y="{top:.1f}" {size} style="{style}"/>'


def _share(each: ReliabilityBin, total: int) -> str:
    left, right, height = _x(each.low) + 1, _x(each.high) - 1, STRIP * each.pixels / total
    size = f'width="{right - left:.1f}" height="{height:.1f}"'
    note = f"{each.low:.2f} to {each.high:.2f}: {100 * each.pixels / total:.1f} % of the pixels"
    box = f'<rect x="{left:.1f}" y="{_strip_top() + STRIP - height:.1f}" {size} style="fill: var(--soft)"/>'
    return f"<g><title>{note}</title>{box}</g>"


def _tick(value: float) -> str:
    """Grid lines and numbers of one value on both axes."""
    x, y, bottom = _x(value), _y(value), TOP + SIDE
    grid = _line(value, 0, value, 1, "stroke: var(--line)") + _line(0, value, 1, value, "stroke: var(--line)")
    across = f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{value:g}</text>'
    up = f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
    return grid + across + up


def _frame(top: float, height: float) -> str:
    size = f'width="{SIDE}" height="{height}"'
    return f'<rect x="{LEFT}" y="{top}" {size} style="fill: none; stroke: var(--line)"/>'


def _titles() -> str:
    middle, strip = LEFT + SIDE / 2, _strip_top()
    texts = (
        (middle, TOP + SIDE + 36, 0, "winning probability"),
        (16, TOP + SIDE / 2, -90, "share of right pixels"),
        (16, strip + STRIP / 2, -90, "pixels"),
        (middle, strip + STRIP + 20, 0, "share of all pixels in each bin (full height: 100 %)"),
    )
    return "".join(
        f'<text x="{x}" y="{y}" text-anchor="middle" transform="rotate({turn} {x} {y})">{text}</text>'
        for x, y, turn, text in texts
    )


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line x1="{_x(x1):.1f}" y1="{_y(y1):.1f}" x2="{_x(x2):.1f}" y2="{_y(y2):.1f}" style="{style}"/>'


def _x(value: float) -> float:
    return LEFT + SIDE * value


def _y(value: float) -> float:
    return TOP + SIDE * (1 - value)


def _strip_top() -> float:
    return TOP + SIDE + BELOW
