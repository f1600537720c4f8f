import re

import pytest

from app.core.architecture import ArchitectureSummary
from app.core.flowchart import flowchart


def chart_of(summary: ArchitectureSummary) -> list[str]:
    return flowchart(summary.blocks, summary.layers).splitlines()


def identifiers(lines: list[str]) -> dict[str, str]:
    """Layer name → identifier."""
    nodes = [re.fullmatch(r' {4}(n\d+)\["([^<]+)<br/>.*"\]', line) for line in lines]
    return {node[2]: node[1] for node in nodes if node}


def test_every_layer_is_a_node_in_the_subgraph_of_its_block(unet: ArchitectureSummary) -> None:
    lines = chart_of(unet)
    assert lines[0] == "flowchart TD"
    assert set(identifiers(lines)) == {layer.name for layer in unet.layers}
    head = lines.index('  subgraph b8["head"]')
    assert lines[head + 1 : head + 3] == ['    n72["head_conv<br/>Conv2D<br/>160×160×3"]', "  end"]


def test_every_edge_is_drawn_once(unet: ArchitectureSummary) -> None:
    lines = chart_of(unet)
    names = {identifier: name for name, identifier in identifiers(lines).items()}
    arrows = [re.fullmatch(r"  (n\d+) (?:-->|-\.->|-\. shortcut \.->) (n\d+)", line) for line in lines]
    assert [(names[arrow[1]], names[arrow[2]]) for arrow in arrows if arrow] == list(unet.edges)


def test_shortcuts_are_dotted_and_named_where_they_branch_off(unet: ArchitectureSummary) -> None:
    lines = chart_of(unet)
    node = identifiers(lines)
    assert f"  {node['stem_relu']} -. shortcut .-> {node['down1_shortcut']}" in lines
    assert f"  {node['down1_shortcut']} -.-> {node['down1_add']}" in lines
    assert f"  {node['down3_add']} -. shortcut .-> {node['up1_shortcut_upsample']}" in lines
    assert f"  {node['up1_shortcut_upsample']} -.-> {node['up1_shortcut']}" in lines
    assert f"  {node['down1_pool']} --> {node['down1_add']}" in lines
    assert sum("-. shortcut .->" in line for line in lines) == 7
    marked = lines[-1].removeprefix("  class ").removesuffix(" shortcut").split(",")
    assert marked == [node[layer.name] for layer in unet.layers if layer.shortcut]


def test_without_shortcuts_nothing_is_dotted(unet: ArchitectureSummary) -> None:
    plain = tuple(layer.model_copy(update={"shortcut": False}) for layer in unet.layers)
    text = "\n".join(chart_of(unet.model_copy(update={"layers": plain})))
    assert "shortcut .->" not in text
    assert "-.->" not in text
    assert "classDef" not in text


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ('say "hi"', "say #34;hi#34;"),
        ("a]b", "a#93;b"),
        ("a;b#c", "a#59;b#35;c"),
        ("<b>&amp", "#60;b#62;#38;amp"),
        ("two\nlines", "two#10;lines"),
        ("`md` *x*", "#96;md#96; #42;x#42;"),
        ("end", "end"),
    ],
)
def test_no_name_can_break_out_of_its_label(unet: ArchitectureSummary, name: str, written: str) -> None:
    layer = unet.layers[0].model_copy(update={"name": name, "kind": name, "block": name})
    lines = chart_of(unet.model_copy(update={"layers": (layer,)}))
    assert lines == [
        "flowchart TD",
        f'  subgraph b0["{written}"]',
        f'    n0["{written}<br/>{written}<br/>160×160×3"]',
        "  end",
    ]
