"""A service that wants a key."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.process import ServerProcess
from tests.fixtures.api_keys import KEY, written
from tests.web.visit import Visit, visiting


@pytest.fixture(scope="module")
def guarded(browser: Browser, tiny_store_path: Path) -> Iterator[str]:
    """Address of a server with keys."""
    keys = written("segment") + written("metrics", key="for-metrics", name="scraper")
    environment = {"SEGSERVE_DRAIN_SECONDS": "0", "SEGSERVE_API_KEYS": keys}
    with ServerProcess("--model-store", str(tiny_store_path), environment=environment) as process:
        process.wait_for("model loaded")
        yield process.url
        process.terminate()


@pytest.fixture
def closed(browser: Browser, guarded: str) -> Iterator[Visit]:
    """The page of that server, which has said that it wants a key."""
    with visiting(browser, guarded) as visit:
        visit.page.goto(guarded)
        expect(visit.page.locator("#network-status")).to_contain_text("Key required: ")
        visit.complaints.clear()
        yield visit


def use(page: Page, key: str) -> None:
    page.get_by_label("Key of the service").fill(key)
    page.get_by_role("button", name="Use it").click()


def test_a_key_opens_the_page(closed: Visit, cat: bytes) -> None:
    page = closed.page
    use(page, KEY)
    expect(page.locator("#network")).to_be_visible()
    expect(page.get_by_label("Key of the service")).to_be_hidden()
    expect(page.locator("#lead")).to_contain_text("pets/1")
    closed.segment(cat)
    assert [command.count('-H "Authorization: Bearer $KEY"') for command in closed.commands()] == [1, 1]
    assert KEY not in page.content()
    stored = page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
    assert stored == '[{},{},""]'
    page.reload()
    expect(page.get_by_label("Key of the service")).to_be_visible()
    closed.complaints.clear()


def test_a_picture_that_was_refused_is_sent_again_with_the_key(closed: Visit, cat: bytes) -> None:
    page = closed.page
    closed.choose(cat)
    closed.expect_refusal("Key required", 401)
    use(page, "wrong")
    closed.expect_refusal("Key required", 401)
    use(page, "for-metrics")
    closed.expect_refusal("Forbidden", 403)
    use(page, KEY)
    closed.await_result("cat.jpg")
    expect(page.get_by_role("alert")).to_be_hidden()
    closed.complaints.clear()


def test_what_no_header_can_carry_is_not_sent(closed: Visit) -> None:
    asked = len(closed.requests)
    use(closed.page, "schlüssel")
    expect(closed.page.get_by_label("Key of the service")).to_be_visible()
    assert len(closed.requests) == asked


def test_a_service_without_keys_asks_for_none(visit: Visit) -> None:
    page = visit.open()
    expect(page.get_by_label("Key of the service")).to_be_hidden()
