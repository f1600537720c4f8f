"""The network's table, against the service's description."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.visit import Visit, visiting


@pytest.fixture(scope="module")
def visit(browser: Browser, server: str) -> Iterator[Visit]:
    """One page for all: they only read it, and unfold what is folded."""
    with visiting(browser, server) as visit:
        visit.open()
        yield visit


@pytest.fixture
def page(visit: Visit) -> Page:
    return visit.page


@pytest.fixture(scope="module")
def architecture(server: str) -> Any:
    return httpx.get(f"{server}/model/architecture?format=json").json()


def test_totals(page: Page, visit: Visit, architecture: Any) -> None:
    totals = architecture["totals"]
    assert visit.values(".blocks > tfoot data") == [totals["parameters"], totals["macs"]]
    field = "×".join(map(str, totals["receptive_field"]))
    expect(page.locator(".blocks > tfoot td").last).to_have_text(field)
    facts = page.locator(".facts").inner_text()
    for number in ("layers", "parameters", "trainable_parameters", "macs"):
        assert f"{totals[number]:,} " in facts


def test_blocks(page: Page, visit: Visit, architecture: Any) -> None:
    rows = page.locator(".blocks > tbody > tr:first-child")
    blocks = architecture["blocks"]
    assert rows.locator("th").all_text_contents() == [block["name"] for block in blocks]
    block_values = visit.values(".blocks > tbody > tr:first-child data")
    assert block_values == [block[number] for block in blocks for number in ("parameters", "macs")]
    outputs = {layer["name"]: layer["output_shape"] for layer in architecture["layers"]}
    expected = ["×".join(map(str, outputs[block["layers"][-1]])) for block in blocks]
    assert rows.locator("td:nth-child(2)").all_text_contents() == expected


def test_layers_unfold_by_keyboard(page: Page, architecture: Any) -> None:
    layers = [layer for layer in architecture["layers"] if layer["block"] == "down1"]
    folded = page.locator(".blocks > tbody", has_text="down1").locator("details")
    table = folded.get_by_role("table")
    expect(table).to_be_hidden()
    summary = folded.locator("summary")
    assert summary.text_content() == f"{len(layers)} layers of down1"
    summary.focus()
    page.keyboard.press("Enter")
    expect(table).to_be_visible()
    rows = table.locator("tbody tr")
    expect(rows).to_have_count(len(layers))
    for row, layer in zip(rows.all(), layers, strict=True):
        expect(row).to_contain_text(layer["name"])
        expect(row).to_contain_text(layer["kind"])
        assert row.locator("data").first.get_attribute("value") == str(layer["parameters"])
    assert rows.locator("small", has_text="shortcut").count() == sum(layer["shortcut"] for layer in layers)
