import contextlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from app.core.errors import DataError
from app.training.sources import masks
from app.training.sources.masks import NO_COLOUR, MaskPixels, read_pixels
from tests.training.drawn_pets import Array

IDS: Array = np.array([[0, 1, 2], [3, 255, 1]], np.uint8)
GREY = IDS.astype(int) * 0x010101


def saved(image: Image.Image, path: Path, **options: Any) -> MaskPixels:
    image.save(path, **options)
    return read_pixels(path)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_grey(tmp_path: Path, suffix: str) -> None:
    pixels = saved(Image.fromarray(IDS), tmp_path / f"mask.{suffix}")
    assert pixels.kind == "grey"
    assert pixels.values is not None
    assert pixels.colours is not None
    assert pixels.values.dtype == np.uint16
    assert pixels.colours.dtype == np.int32
    assert np.array_equal(pixels.values, IDS)
    assert np.array_equal(pixels.colours, GREY)


def test_a_palette_gives_indices_and_colours(tmp_path: Path) -> None:
    indices: Array = np.array([[0, 1, 2], [3, 9, 1]], np.uint8)
    image = Image.fromarray(indices, "P")
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 1, 2, 3, 4, 5, 6])
    pixels = saved(image, tmp_path / "mask.png", transparency=0)  # transparent or not, an index is an index
    assert pixels.kind == "palette"
    assert np.array_equal(pixels.values, indices)  # type: ignore[arg-type]  # it is there
    assert pixels.colours is not None
    assert pixels.colours.tolist() == [[0, 0xFF0000, 0x00FF00], [0x010203, NO_COLOUR, 0xFF0000]]


def test_black_and_white(tmp_path: Path) -> None:
    pixels = saved(Image.fromarray(IDS > 0), tmp_path / "mask.png")
    assert pixels.kind == "bits"
    assert pixels.values is not None
    assert pixels.values.tolist() == [[0, 255, 255], [255, 255, 255]]


def test_colours(tmp_path: Path) -> None:
    colours = np.array([[[1, 2, 3], [224, 224, 192]]], np.uint8)
    pixels = saved(Image.fromarray(colours), tmp_path / "mask.png")
    assert (pixels.kind, pixels.values) == ("colours", None)
    assert pixels.colours is not None
    assert pixels.colours.tolist() == [[0x010203, 0xE0E0C0]]


@pytest.mark.parametrize("mode", ["LA", "RGB", "RGBA"])
def test_grey_with_channels_too_many_is_grey(tmp_path: Path, mode: str) -> None:
    pixels = saved(Image.fromarray(IDS).convert(mode), tmp_path / "mask.png")
    assert pixels.values is not None
    assert np.array_equal(pixels.values, IDS)
    assert np.array_equal(pixels.colours, GREY)  # type: ignore[arg-type]  # it is there


def test_a_palette_with_opaque_alpha(tmp_path: Path) -> None:
    image = Image.fromarray(IDS, "P")
    image.putpalette(bytes(range(256)) * 3)
    pixels = saved(image.convert("PA"), tmp_path / "mask.tif")
    assert np.array_equal(pixels.values, IDS)  # type: ignore[arg-type]  # it is there


@pytest.mark.parametrize(
    ("numbers", "suffix"),
    [(IDS.astype(np.uint16) * 257, "png"), (IDS.astype(np.int32) * 257, "tif"), (IDS.astype(np.float32), "tif")],
    ids=["16 bits", "32 bits", "floats"],
)
def test_wide_numbers_are_values(tmp_path: Path, numbers: Array, suffix: str) -> None:
    pixels = saved(Image.fromarray(numbers), tmp_path / f"mask.{suffix}")
    assert pixels.colours is None
    assert np.array_equal(pixels.values, numbers)  # type: ignore[arg-type]  # it is there


def test_an_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = saved(Image.fromarray(IDS), tmp_path / "mask.png", exif=exif)
    assert np.array_equal(pixels.values, np.rot90(IDS, -1))  # type: ignore[arg-type]  # it is there


def half_transparent() -> Image.Image:
    image = Image.new("RGBA", (2, 2), (1, 2, 3, 255))
    image.putpixel((0, 0), (1, 2, 3, 128))
    return image


@pytest.mark.parametrize(
    ("image", "suffix", "message"),
    [
        (Image.fromarray(IDS), "jpg", "JPEG may change the values of pixels: save masks as PNG"),
        (Image.fromarray(IDS), "gif", "GIF may change"),
        (Image.fromarray(IDS), "webp", "WEBP may change"),
        (half_transparent(), "png", "transparent pixels, whose class is unclear"),
        (Image.new("CMYK", (2, 2)), "tif", "colour mode CMYK: save it as grey"),
        (Image.fromarray(np.array([[0.5, 1]], np.float32)), "tif", "fractions, or no numbers at all"),
        (Image.fromarray(np.array([[np.nan, 1]], np.float32)), "tif", "fractions, or no numbers at all"),
        (Image.fromarray(np.array([[-1, 70000]], np.int32)), "tif", "values from -1 to 70000: a mask holds values"),
    ],
)
def test_what_is_no_mask(tmp_path: Path, image: Image.Image, suffix: str, message: str) -> None:
    path = tmp_path / f"mask.{suffix}"
    with pytest.raises(DataError, match=message) as refused:
        saved(image, path)
    assert refused.value.problems[0].startswith(f"{path}: ")


def test_a_jpeg_inside_a_tiff(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="TIFF may change the values of pixels"):
        saved(Image.fromarray(IDS), tmp_path / "mask.tif", compression="jpeg")


def test_several_pages(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="2 pictures in one file"):
        saved(Image.fromarray(IDS), tmp_path / "mask.tif", save_all=True, append_images=[Image.fromarray(IDS)])


def test_a_mask_that_would_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks, "MAX_PIXELS", 5)
    with pytest.raises(DataError, match="3 × 2 pixels are more than the 5 allowed"):
        saved(Image.fromarray(IDS), tmp_path / "mask.png")


def test_what_is_not_there_or_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.png", tmp_path):
        with pytest.raises(DataError, match="cannot be read as a picture"):
            read_pixels(path)


def png() -> bytes:
    image = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8), "P")
    image.putpalette(bytes(range(48)))
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.binary(max_size=60), cut=st.integers(0, 400), change=st.lists(st.integers(0, 2**16 - 1), max_size=6))
def test_any_bytes_are_a_mask_or_a_clear_error(tmp_path: Path, start: bytes, cut: int, change: list[int]) -> None:
    data = bytearray(png()[:cut])
    for place in change:
        if data:
            data[place % len(data)] = place >> 8
    for content in (start, bytes(data), png()[:16] + start + png()[16:]):
        path = tmp_path / "mask.png"
        path.write_bytes(content)
        with contextlib.suppress(DataError):
            pixels = read_pixels(path)
            assert pixels.values is not None or pixels.colours is not None
