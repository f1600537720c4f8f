"""A network as a Mermaid flowchart (https://mermaid.js.org/syntax/flowchart.html)."""

import re
from collections.abc import Sequence

from app.core.layer_table import shape_text
from app.core.layers import BlockSummary, LayerSummary

_TEXT = re.compile(r"[^A-Za-z0-9 _.,:+/()×…-]")


def flowchart(blocks: Sequence[BlockSummary], layers: Sequence[LayerSummary]) -> str:
    """The chart: a subgraph a block, a node a layer, shortcuts dotted.

    Identifiers are `n0`, `n1`, … for the layers and `b0`, `b1`, … for the blocks, so that no name can clash with
    Mermaid's own words.

    Args:
        blocks: in order; each layer is in one of them.
        layers: in order, inputs before their users.
    """
    named = {layer.name: layer for layer in layers}
    identifiers = {layer.name: f"n{index}" for index, layer in enumerate(layers)}
    lines = ["flowchart TD"]
    for index, block in enumerate(blocks):
        lines.append(f'  subgraph b{index}["{_escaped(block.name)}"]')
        lines.extend(f"    {identifiers[name]}{_label(named[name])}" for name in block.layers)
        lines.append("  end")
    for layer in layers:
        lines.extend(
            f"  {identifiers[name]} {_arrow(named[name], layer)} {identifiers[layer.name]}" for name in layer.inputs
        )
    around = [identifiers[layer.name] for layer in layers if layer.shortcut]
    if around:
        lines += ["  classDef shortcut stroke-dasharray: 5 5", f"  class {','.join(around)} shortcut"]
    return "\n".join(lines) + "\n"


def _label(layer: LayerSummary) -> str:
    parts = (layer.name, layer.kind, shape_text(layer.output_shape))
    return '["' + "<br/>".join(_escaped(part) for part in parts) + '"]'


def _arrow(source: LayerSummary, target: LayerSummary) -> str:
    if target.shortcut and not source.shortcut:
        return "-. shortcut .->"
    return "-.->" if source.shortcut or target.shortcut else "-->"


def _escaped(text: str) -> str:
    """Other characters than plain ones become Mermaid's entities `#code;`."""
    return _TEXT.sub(lambda match: f"#{ord(match.group())};", text)
