"""The picture and its mask: equal to what the service draws, pixel by pixel."""

import io
import re

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import expect

from tests.fixtures.tiny_model import TINY_LABELS
from tests.inference.pictures import chelsea, encoded
from tests.web.visit import Visit

LARGEST_CANVAS = 2**22
ORIENTATION = 0x0112
TURNED_RIGHT = 6


def coloured(ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB: each pixel with the colour of its class."""
    return np.array([label.colour for label in TINY_LABELS], np.uint8)[ids]


def turned() -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = TURNED_RIGHT
    file = io.BytesIO()
    Image.fromarray(chelsea(300, 451)).save(file, "JPEG", exif=exif)
    return file.getvalue()


def noise(height: int, width: int) -> bytes:
    return encoded(np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8))


@pytest.mark.parametrize(
    ("content", "size"),
    [
        pytest.param(turned(), (300, 451), id="turned by EXIF"),
        pytest.param(noise(61, 47), (47, 61), id="odd sides"),
        pytest.param(noise(1, 90), (90, 1), id="one row"),
    ],
)
def test_mask_equals_the_served_one(visit: Visit, content: bytes, size: tuple[int, int]) -> None:
    page = visit.open()
    visit.segment(content)
    served = visit.served_mask(content)
    assert served.size == size
    ids = np.asarray(served)
    assert len(np.unique(ids)) > 1
    overlay = visit.canvas()
    assert np.array_equal(overlay[..., 3] > 0, ids != TINY_LABELS.named("background").id)
    page.get_by_role("radio", name="Mask").check()
    mask = visit.canvas()
    assert np.array_equal(mask[..., :3], coloured(ids))
    assert (mask[..., 3] == 255).all()


def test_a_very_large_picture_gets_a_smaller_canvas(visit: Visit) -> None:
    content = encoded(chelsea(2000, 3000), "JPEG")
    page = visit.open()
    visit.segment(content)
    page.get_by_role("radio", name="Mask").check()
    mask = visit.canvas()
    height, width, _ = mask.shape
    assert 0.99 * LARGEST_CANVAS < height * width <= LARGEST_CANVAS
    rows = ((np.arange(height) + 0.5) * 2000 / height).astype(int)
    columns = ((np.arange(width) + 0.5) * 3000 / width).astype(int)
    ids = np.asarray(visit.served_mask(content))[np.ix_(rows, columns)]
    assert np.array_equal(mask[..., :3], coloured(ids))


def test_views(visit: Visit, cat: bytes) -> None:
    page = visit.open()
    visit.segment(cat)
    ids = np.asarray(visit.served_mask(cat))
    picture, canvas = page.locator("#picture"), page.locator("#canvas")
    expect(picture).to_be_visible()
    expect(canvas).to_have_css("opacity", "0.5")
    page.get_by_role("slider", name="Tint").fill("80")
    expect(canvas).to_have_css("opacity", "0.8")

    page.get_by_role("radio", name="Cutout").check()
    expect(picture).to_be_hidden()
    cutout = visit.canvas()
    alpha = np.array([255, 0, 128], np.uint8)[ids]  # pet, background, border
    assert np.array_equal(cutout[..., 3], alpha)
    pet = ids == TINY_LABELS.named("pet").id
    original = np.asarray(Image.open(io.BytesIO(cat)).convert("RGB")).astype(int)
    assert np.abs(cutout[..., :3].astype(int) - original)[pet].max() <= 4  # two JPEG decoders

    page.get_by_role("radio", name="Picture").check()
    expect(picture).to_be_visible()
    expect(canvas).to_be_hidden()
    expect(page.get_by_role("button", name="Save")).to_be_hidden()


def test_a_picture_that_the_browser_cannot_show(visit: Visit) -> None:
    content = encoded(chelsea(300, 451), "TIFF")
    page = visit.open()
    visit.segment(content, "cat.tif")
    expect(page.get_by_text("here is its mask alone")).to_be_visible()
    expect(page.get_by_role("radio", name="Mask")).to_be_checked()
    expect(page.get_by_role("radio", name="Overlay")).to_be_disabled()
    ids = np.asarray(visit.served_mask(content))
    assert np.array_equal(visit.canvas()[..., :3], coloured(ids))


def test_saving(visit: Visit, cat: bytes) -> None:
    page = visit.open()
    visit.segment(cat)
    page.get_by_role("radio", name="Cutout").check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save cutout").click()
    assert download.value.suggested_filename == "cat-cutout.png"
    with Image.open(download.value.path()) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGBA", (451, 300))
    assert visit.posted() == ["/segment?output=json", "/segment?output=cutout"]


def test_only_the_picture_at_hand_is_kept(visit: Visit, cat: bytes) -> None:
    page = visit.open()
    visit.segment(cat)
    first = page.locator("#picture").get_attribute("src")
    assert first is not None
    assert re.match("blob:", first)
    visit.segment(cat, "again.jpg")
    gone = page.evaluate(
        "source => new Promise((resolve) => Object.assign(new Image(), "
        "{ src: source, onload: () => resolve(false), onerror: () => resolve(true) }))",
        first,
    )
    assert gone
    assert [complaint for complaint in visit.complaints if "ERR_FILE_NOT_FOUND" in complaint]
    visit.complaints.clear()
