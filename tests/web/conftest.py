import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.e2e.process import ServerProcess
from tests.inference.pictures import chelsea, encoded
from tests.web.visit import TIMEOUT_MS, Visit, visiting

ROOT_PATH = "/segmentation"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A real browser. Of this package only: while it runs, no other event loop can run in this thread."""
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip("there is no Chromium on this machine (Debian: apt-get install chromium)")
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=[*OPTIONS])
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def server(browser: Browser, tiny_store_path: Path) -> Iterator[str]:
    """Address of a real server; it answers at `/` and, as behind a gateway, at `/segmentation/`."""
    arguments = ("--model-store", str(tiny_store_path), "--root-path", ROOT_PATH)
    with ServerProcess(*arguments, environment={"SEGSERVE_DRAIN_SECONDS": "0"}) as process:
        process.wait_for("model loaded")
        yield process.url
        process.terminate()


@pytest.fixture
def visit(browser: Browser, server: str) -> Iterator[Visit]:
    """The page in a window of a desktop."""
    with visiting(browser, server) as visit:
        yield visit


@pytest.fixture(scope="package")
def cat() -> bytes:
    """A photograph of 451×300 pixels."""
    return encoded(chelsea(300, 451), "JPEG")
