"""A network as a table of text, at most 120 columns wide."""

from collections.abc import Sequence

from app.core.layers import BlockSummary, LayerSummary, Shape, Totals

WIDTH = 120
_HEADINGS = ("Layer", "Kind", "Output", "Parameters", "MACs", "Receptive field", "Input from")
_WIDEST = (30, 18, 14, 12, 7, 15)  # the last column takes the rest
_RIGHT = {2, 3, 4, 5}
_GAP = "  "

Row = tuple[str, ...]


def layer_table(title: str, blocks: Sequence[BlockSummary], layers: Sequence[LayerSummary], totals: Totals) -> str:
    """The table: a line a layer, a rule with the sums before each block, the totals below.

    Args:
        title: first line.
        blocks: in order; each layer is in one of them.
        layers: in order, inputs before their users.
        totals: of the network.
    """
    named = {layer.name: layer for layer in layers}
    order = [name for block in blocks for name in block.layers]
    rows = {name: _row(named[name], above) for above, name in zip([None, *order], order, strict=False)}
    widths = _widths([_HEADINGS, *rows.values()])
    lines = [title, "", _line(_HEADINGS, widths)]
    for block in blocks:
        lines.append(_rule(block))
        lines.extend(_line(rows[name], widths) for name in block.layers)
    lines.append("─" * WIDTH)
    return "\n".join([*lines, *_closing(totals)]) + "\n"


def humanise(count: int) -> str:
    """Three significant digits and a unit: 635_904_000 → `636 M`."""
    value, units = float(count), ["", " k", " M", " G", " T"]
    while value >= 999.5 and len(units) > 1:
        value /= 1000
        units.pop(0)
    digits = 0 if count < 1000 or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{digits}f}{units[0]}"


def shape_text(shape: Shape) -> str:
    """(80, 80, 32) → `80×80×32`."""
    return "×".join(map(str, shape))


def _row(layer: LayerSummary, above: str | None) -> Row:
    straight = layer.inputs == (above,)
    height, width = layer.receptive_field
    return (
        layer.name,
        layer.kind,
        shape_text(layer.output_shape),
        f"{layer.parameters:,}",
        humanise(layer.macs),
        f"{height}×{width}",
        "" if straight else ", ".join(layer.inputs),
    )


def _widths(rows: Sequence[Row]) -> tuple[int, ...]:
    widths = [min(max(len(row[column]) for row in rows), widest) for column, widest in enumerate(_WIDEST)]
    return (*widths, WIDTH - sum(widths) - len(_GAP) * len(widths))


def _line(row: Row, widths: Sequence[int]) -> str:
    cells = []
    for column, (text, width) in enumerate(zip(row, widths, strict=True)):
        cut = text if len(text) <= width else text[: width - 1] + "…"
        cells.append(cut.rjust(width) if column in _RIGHT else cut.ljust(width))
    return _GAP.join(cells).rstrip()


def _rule(block: BlockSummary) -> str:
    sums = f" {block.parameters:,} parameters, {humanise(block.macs)} MACs ──"
    start = f"── {block.name} "
    return start[: WIDTH - len(sums)] + "─" * (WIDTH - len(start) - len(sums)) + sums


def _closing(totals: Totals) -> list[str]:
    frozen = totals.parameters - totals.trainable_parameters
    height, width = totals.receptive_field
    return [
        f"Layers           {totals.layers:,}",
        f"Parameters       {totals.parameters:,} ({totals.trainable_parameters:,} trainable, {frozen:,} not)",
        f"MACs             {humanise(totals.macs)} a picture ({totals.macs:,})",
        f"Receptive field  {height}×{width} pixels of the input",
    ]
