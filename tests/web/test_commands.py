"""The curl lines, run as they are shown."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.web.visit import Visit

NAME = "it's a cat; $(exit 1).jpg"


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
def test_commands_do_what_the_page_did(visit: Visit, cat: bytes, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(cat)
    page = visit.open("/segmentation/")
    visit.segment(cat, NAME)
    page.get_by_role("radio", name="Mask").check()
    asked, drawn = visit.commands()
    assert f"{visit.server}/segmentation/segment?output=json" in asked
    answers = [
        subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, check=True).stdout
        for command in (asked, drawn)
    ]
    shares = [found["share"] for found in json.loads(answers[0])["classes"]]
    assert visit.values("#classes .share data") == pytest.approx(shares)
    mask = tmp_path / "it's a cat; $(exit 1)-mask.png"
    assert mask.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_before_any_picture_there_is_an_example(visit: Visit) -> None:
    visit.open()
    assert visit.commands() == [
        f"curl --data-binary @cat.jpg '{visit.server}/segment?output=json'",
        f"curl --data-binary @cat.jpg '{visit.server}/segment?output=overlay' -o cat-overlay.png",
    ]


@pytest.mark.parametrize("secure", [True, False])
def test_copying(visit: Visit, secure: bool) -> None:
    page = visit.page
    if not secure:  # without TLS there is no such interface
        page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined });")
    visit.open()
    button = page.get_by_role("button", name="Copy: What this page asks for")
    button.click()
    expect(button).to_have_text("Copied")
    if secure:
        assert page.evaluate("navigator.clipboard.readText()") == visit.commands()[0]
    assert page.evaluate("getSelection().toString()") == visit.commands()[0]
