"""Readable on a phone and a desktop, in light and dark, without motion where none is wanted."""

from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, expect

from tests.web.visit import Visit, visiting

NARROW = 320
LEAST_CONTRAST = 4.5
"""WCAG 2.2, 1.4.3, level AA."""
TEXTS = """() => {
    const shade = (element, property) =>
        getComputedStyle(element)[property].match(/[\\d.]+/g).map(Number);
    const ground = (element) => {
        for (let one = element; one; one = one.parentElement) {
            const [red, green, blue, alpha = 1] = shade(one, "backgroundColor");
            if (alpha === 1) return [red, green, blue];
        }
        throw new Error("no ground");
    };
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const element = node.parentElement;
        if (node.data.trim() && element.checkVisibility() && element.localName !== "noscript") {
            found.push([node.data.trim(), shade(element, "color").slice(0, 3), ground(element)]);
        }
    }
    return found;
}"""


def luminance(colour: list[float]) -> float:
    """Relative luminance of WCAG 2.2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (one / 255 for one in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: list[float], other: list[float]) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_the_extremes() -> None:
    assert contrast([0, 0, 0], [255, 255, 255]) == pytest.approx(21)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(browser: Browser, server: str, cat: bytes, scheme: Literal["light", "dark"]) -> None:
    with visiting(browser, server, scheme=scheme) as visit:
        page = visit.open()
        visit.segment(cat)
        page.locator("summary").last.click()
        results: list[Any] = page.evaluate(TEXTS)
        visit.choose(b"only words", "notes.txt")
        visit.expect_refusal("Not a readable picture", 400)
        results += page.evaluate(TEXTS)
    assert {"Segment a picture", "Not a readable picture", "Overlay", "confidence"} <= {text for text, *_ in results}
    grounds = {luminance(ground) > 0.5 for text, _, ground in results if text == "Segment a picture"}
    assert grounds == {scheme == "light"}
    weak = [(text, contrast(ink, ground)) for text, ink, ground in results if contrast(ink, ground) < LEAST_CONTRAST]
    assert not weak


def test_nothing_is_wider_than_a_phone(browser: Browser, server: str, cat: bytes) -> None:
    with visiting(browser, server, width=NARROW) as visit:
        page = visit.open()
        visit.segment(cat, "a-very-long-name-of-a-picture-without-any-space-in-it.jpg")
        for summary in page.locator("summary").all():
            summary.click()
        assert page.evaluate("document.documentElement.scrollWidth") == NARROW
        picture = page.locator("#frame").bounding_box()
        assert picture is not None
        assert picture["width"] / picture["height"] == pytest.approx(451 / 300, rel=0.02)
        assert picture["width"] > 0.85 * NARROW


@pytest.mark.parametrize("still", [True, False])
def test_motion(browser: Browser, server: str, cat: bytes, still: bool) -> None:
    with visiting(browser, server, still=still) as visit:
        page = visit.open()
        visit.segment(cat)
        page.locator("#workspace").evaluate("one => one.classList.add('busy')")
        moving = page.evaluate("document.getAnimations().length")
    assert moving == (0 if still else 1)


def test_every_control_has_a_name(visit: Visit, cat: bytes) -> None:
    page = visit.open()
    visit.segment(cat)
    names = ["Overlay", "Mask", "Cutout", "Picture"]
    assert [radio.get_attribute("value") for radio in page.get_by_role("radio").all()] == [
        name.lower() for name in names
    ]
    for name in names:
        expect(page.get_by_role("radio", name=name)).to_have_count(1)
    expect(page.get_by_role("group", name="View")).to_be_visible()
    expect(page.get_by_label("Choose a picture")).to_have_attribute("type", "file")
    for table in ("Classes", "Time"):
        expect(page.get_by_role("table", name=table)).to_be_visible()
