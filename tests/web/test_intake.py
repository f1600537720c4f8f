"""Ways for a picture to come in, and what is said of files that are none."""

import base64
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Route, expect

from tests.web.visit import Visit

HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(64)


def test_choosing(visit: Visit, cat: bytes) -> None:
    visit.open()
    visit.segment(cat)
    assert visit.posted() == ["/segment?output=json"]


def test_dropping_anywhere_on_the_page(visit: Visit, cat: bytes, tmp_path: Path) -> None:
    file = tmp_path / "dropped.jpg"
    file.write_bytes(cat)
    page = visit.open()
    zone = page.locator("#intake")
    devtools = page.context.new_cdp_session(page)
    heading = page.locator("h1").bounding_box()
    assert heading is not None
    drag = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        event = {"type": kind, "x": heading["x"] + 5, "y": heading["y"] + 5, "data": drag}
        devtools.send("Input.dispatchDragEvent", event)
        if kind == "dragOver":
            expect(zone).to_have_class("intake over")
    visit.await_result("dropped.jpg")
    expect(zone).to_have_class("intake")


def test_pasting(visit: Visit, cat: bytes) -> None:
    page = visit.open()
    page.evaluate(
        """async (base64) => {
            const jpeg = await (await createImageBitmap(
                new Blob([Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))])));
            const canvas = new OffscreenCanvas(jpeg.width, jpeg.height);
            canvas.getContext("2d").drawImage(jpeg, 0, 0);
            const png = await canvas.convertToBlob();
            await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
        }""",
        base64.b64encode(cat).decode(),
    )
    page.keyboard.press("Control+V")
    visit.await_result("image.png")
    assert visit.canvas().shape == (300, 451, 4)


def test_pasted_text_is_left_alone(visit: Visit) -> None:
    page = visit.open()
    page.evaluate("navigator.clipboard.writeText('no picture')")
    page.keyboard.press("Control+V")
    expect(page.locator("#status")).to_be_empty()
    assert not visit.posted()


def test_by_keyboard_alone(visit: Visit, cat: bytes) -> None:
    page = visit.open()
    with page.expect_file_chooser() as chosen:
        while page.evaluate("document.activeElement.id") != "file":
            page.keyboard.press("Tab")
        assert page.locator("#intake").evaluate("zone => getComputedStyle(zone).outlineStyle") == "solid"
        page.keyboard.press("Enter")
    chosen.value.set_files(FilePayload(name="cat.jpg", mimeType="image/jpeg", buffer=cat))
    visit.await_result("cat.jpg")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page.locator("#views input:checked").get_attribute("value") == "mask"


def test_of_several_files_the_first_is_taken(visit: Visit, cat: bytes) -> None:
    page = visit.open()
    page.locator("#file").evaluate("input => { input.multiple = true; }")
    said = page.evaluate_handle(
        """() => {
            const said = [];
            const status = document.querySelector("#status");
            new MutationObserver(() => said.push(status.textContent)).observe(status, { childList: true });
            return said;
        }"""
    )
    names = ("one.jpg", "two.jpg", "three.jpg")
    page.locator("#file").set_input_files([FilePayload(name=name, mimeType="", buffer=cat) for name in names])
    visit.await_result("one.jpg")
    assert said.evaluate("said => said[0]") == "Segmenting one.jpg, the first of 3…"
    assert len(visit.posted()) == 1


def test_a_newer_picture_replaces_one_that_is_under_way(visit: Visit, cat: bytes) -> None:
    page = visit.open()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/segment?*", hold, times=1)
    visit.choose(cat, "slow.jpg")
    expect(page.locator("#status")).to_have_text("Segmenting slow.jpg…")
    visit.segment(cat, "fast.jpg")
    assert [route.request.failure for route in held] == ["net::ERR_ABORTED"]


@pytest.mark.parametrize(
    ("content", "name", "title", "status", "says"),
    [
        (b"only words", "notes.txt", "Not a readable picture", 400, "JPEG"),
        (b"", "empty.jpg", "No picture", 400, "No bytes"),
        (HEIC, "IMG_0001.HEIC", "Unsupported kind of picture", 415, "HEIC"),
    ],
)
def test_refusals_are_readable(visit: Visit, content: bytes, name: str, title: str, status: int, says: str) -> None:
    page = visit.open()
    visit.choose(content, name)
    text = visit.expect_refusal(title, status)
    assert says in text
    assert "Request id" in text
    expect(page.locator("#status")).to_be_empty()
    expect(page.locator("#workspace")).to_be_hidden()


def test_a_refusal_goes_when_a_good_picture_comes(visit: Visit, cat: bytes) -> None:
    page = visit.open()
    visit.segment(cat)
    visit.choose(b"only words", "notes.txt")
    visit.expect_refusal("Not a readable picture", 400)
    expect(page.locator("#result")).to_be_hidden()
    visit.segment(cat)
    expect(page.get_by_role("alert")).to_be_hidden()
