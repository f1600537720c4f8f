"""What the page says about a result, against what the service answered."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.web.visit import Visit, visiting


@pytest.fixture(scope="module")
def result(browser: Browser, server: str, cat: bytes) -> Iterator[Visit]:
    """A page with a result; these tests only read it."""
    with visiting(browser, server) as visit:
        visit.open()
        visit.segment(cat)
        yield visit


def test_legend(result: Visit, cat: bytes) -> None:
    classes = httpx.post(f"{result.server}/segment?output=json", content=cat).json()["classes"]
    rows = result.page.locator("#classes tr")
    assert [name.strip() for name in rows.locator("th").all_text_contents()] == ["pet", "background", "border"]
    assert result.values("#classes .share data") == pytest.approx([found["share"] for found in classes])
    confidence = [found["mean_confidence"] for found in classes]
    assert result.values("#classes td:last-child data") == pytest.approx(confidence)
    shown = [float(text.removesuffix("%")) for text in rows.locator(".share").all_text_contents()]
    assert sum(shown) == pytest.approx(100, abs=0.2)
    swatches = [swatch.evaluate("one => getComputedStyle(one).borderTopColor") for swatch in rows.locator("span").all()]
    assert swatches == ["rgb(230, 80, 60)", "rgb(40, 90, 160)", "rgb(250, 200, 60)"]


def test_times(result: Visit) -> None:
    rows = result.page.locator("#times tr")
    names = ["decode", "queue", "inference", "encode", "total", "round trip"]
    assert rows.locator("th").all_text_contents() == names
    *stages, total, round_trip = result.values("#times data")
    assert total == pytest.approx(sum(stages))
    assert 0 < total < round_trip
    assert all(re.fullmatch(r"[\d,.]+ ms", text) for text in rows.locator("td").all_text_contents())


def test_model(result: Visit) -> None:
    model = httpx.get(f"{result.server}/model").json()["model"]
    identity = result.page.locator("#identity")
    expect(identity).to_contain_text(f"pets/1 in {model['engine']}, f32, sha256 {model['sha256'][:12]}")
    expect(identity.locator("code")).to_have_attribute("title", model["sha256"])
    expect(result.page.locator("#lead")).to_contain_text("pets/1 tells apart pet, background, and border")


def test_what_is_read_aloud(result: Visit) -> None:
    status = result.page.get_by_role("status").first
    assert re.fullmatch(r"cat\.jpg: (\w+ [\d.]+%(, )?){3}\.", status.inner_text())
    shares = [float(share) for share in re.findall(r"([\d.]+)%", status.inner_text())]
    assert shares == sorted(shares, reverse=True)
