"""Where the page gets things from, and what its Content-Security-Policy stops."""

import httpx
import pytest
from playwright.sync_api import expect

from tests.web.visit import Visit


@pytest.mark.parametrize("path", ["/", "/segmentation/"])
def test_everything_comes_from_below_the_page(visit: Visit, cat: bytes, path: str) -> None:
    page = visit.open(path)
    visit.segment(cat)
    addresses = [request.url for request in visit.requests if not request.url.startswith("blob:")]
    assert len(addresses) > 10
    assert all(address.startswith(f"{visit.server}{path}") for address in addresses)
    expect(page.get_by_role("link", name="Model", exact=True)).to_have_attribute("href", "model")
    hrefs = page.evaluate("[...document.querySelectorAll('a')].map((link) => link.href)")
    for href in sorted({href.partition("#")[0] for href in hrefs}):
        assert httpx.get(href).status_code == 200, href


def test_the_policy_stops_scripts_of_strangers(visit: Visit) -> None:
    page = visit.open()
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "document.title = 'taken over'";
            document.body.append(script);
        }"""
    )
    assert page.title() == "segserve: segment a picture"
    assert ["Content Security Policy" in complaint for complaint in visit.complaints] == [True]
    visit.complaints.clear()
