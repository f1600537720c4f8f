"""The page as one visitor has it, and what that visitor must never meet."""

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import httpx
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, Request, expect

TIMEOUT_MS = 20_000
REFUSED = "Failed to load resource: the server responded with a status of "
"""What the browser itself says of an answer that is an error."""


@dataclass(frozen=True)
class Visit:
    """A page, and what happened on it.

    Args:
        page: the page.
        server: its address.
        requests: all that left the browser.
        complaints: errors and warnings of the console; a breach of the Content-Security-Policy is one.
    """

    page: Page
    server: str
    requests: list[Request] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> Page:
        """Goes to the page, until it shows the network."""
        self.page.goto(f"{self.server}{path}")
        expect(self.page.locator("#network")).to_be_visible()
        return self.page

    def choose(self, content: bytes, name: str = "cat.jpg") -> None:
        """Chooses a file in the dialogue."""
        self.page.locator("#file").set_input_files(FilePayload(name=name, mimeType="", buffer=content))

    def segment(self, content: bytes, name: str = "cat.jpg") -> None:
        """Chooses a picture, until its result is shown."""
        self.choose(content, name)
        self.await_result(name)

    def await_result(self, name: str) -> None:
        """Until the result of that picture is shown."""
        expect(self.page.locator("#status")).to_contain_text(f"{name}: ")
        expect(self.page.locator("#result")).to_be_visible()

    def expect_refusal(self, title: str, status: int) -> str:
        """Until the page shows that error; it is no complaint then.

        Returns:
            what the page says, in full.
        """
        box = self.page.get_by_role("alert")
        expect(box.locator("strong")).to_have_text(title)
        assert [complaint for complaint in self.complaints if complaint.startswith(f"{REFUSED}{status}")]
        self.complaints.clear()
        return box.inner_text()

    def posted(self) -> list[str]:
        """Paths, with their queries, of what was sent to be segmented."""
        return [request.url.removeprefix(self.server) for request in self.requests if request.method == "POST"]

    def commands(self) -> list[str]:
        """The curl lines."""
        return self.page.locator("#commands code").all_text_contents()

    def values(self, selector: str) -> list[float]:
        """The exact numbers behind the texts of `<data>` elements."""
        return [float(element.get_attribute("value") or "nan") for element in self.page.locator(selector).all()]

    def canvas(self) -> NDArray[np.uint8]:
        """(H, W, 4) uint8 RGBA: pixels of the mask's canvas."""
        url: str = self.page.evaluate("document.querySelector('#canvas').toDataURL('image/png')")
        with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as image:
            return np.asarray(image.convert("RGBA"))

    def served_mask(self, content: bytes) -> Image.Image:
        """What the server answers to a picture: a palette picture of class ids."""
        answer = httpx.post(f"{self.server}/segment?output=mask", content=content)
        assert answer.status_code == 200
        return Image.open(io.BytesIO(answer.content))


@contextmanager
def visiting(
    browser: Browser, server: str, width: int = 1280, scheme: Literal["light", "dark"] = "light", still: bool = False
) -> Iterator[Visit]:
    """A window of its own; at the end nothing may have gone to another host, and the console must be silent.

    Args:
        browser: whose window.
        server: address of the service.
        width: of the window, CSS pixels.
        scheme: which colours the visitor prefers.
        still: whether the visitor prefers that nothing moves.
    """
    with browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        reduced_motion="reduce" if still else "no-preference",
        permissions=["clipboard-read", "clipboard-write"],
    ) as context:
        context.set_default_timeout(TIMEOUT_MS)
        visit = Visit(context.new_page(), server)
        context.on("request", lambda request: _note_request(visit, request))
        context.on("weberror", lambda error: _note(visit, "error", str(error.error)))
        context.on("console", lambda message: _note(visit, message.type, message.text))
        yield visit
        foreign = [request.url for request in visit.requests if not request.url.startswith((f"{server}/", "blob:"))]
        assert not foreign
        assert not visit.complaints


def _note_request(visit: Visit, request: Request) -> None:
    visit.requests.append(request)  # a bound method of a list is not what Playwright takes for a handler


def _note(visit: Visit, kind: str, text: str) -> None:
    if kind in ("error", "warning"):
        visit.complaints.append(text)
