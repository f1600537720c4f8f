from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.imaging.colour import PAPER, raw_mode, to_rgb


def reopened(image: Image.Image, file_format: str, **options: object) -> tuple[Image.Image, str]:
    """The picture as a file holds it, loaded, and its raw mode."""
    buffer = BytesIO()
    image.save(buffer, file_format, **options)
    opened = Image.open(buffer)
    stored = raw_mode(opened)
    opened.load()
    return opened, stored


def grey_levels(image: Image.Image) -> list[int]:
    """Levels of a single row of grey."""
    pixels = np.asarray(image)
    assert image.mode == "RGB"
    assert (pixels[..., 0] == pixels[..., 1]).all()
    assert (pixels[..., 0] == pixels[..., 2]).all()
    levels: list[int] = pixels[0, :, 0].tolist()
    return levels


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_16_bits_are_scaled_not_clipped(file_format: str) -> None:
    values = np.array([[0, 128, 257, 32_896, 65_278, 65_535]], np.uint16)
    image, stored = reopened(Image.frombytes("I;16", (6, 1), values.tobytes()), file_format)
    assert image.mode.startswith("I;16")
    assert grey_levels(to_rgb(image, stored)) == [0, 0, 1, 128, 254, 255]


def test_big_endian_16_bits() -> None:
    values = np.array([[257, 65_535, 25_700]], ">u2")
    image, stored = reopened(Image.frombytes("I;16B", (3, 1), values.tobytes()), "TIFF")
    assert grey_levels(to_rgb(image, stored)) == [1, 255, 100]


def test_transparent_value_of_16_bits() -> None:
    values = np.array([[500, 25_700]], np.uint16)
    image, stored = reopened(Image.frombytes("I;16", (2, 1), values.tobytes()), "PNG", transparency=500)
    assert grey_levels(to_rgb(image, stored)) == [255, 100]


def test_12_bits_use_the_whole_range() -> None:
    image = Image.fromarray(np.array([[0, 2048, 4095]], np.uint16))
    assert grey_levels(to_rgb(image.convert("I;16"), "I;12")) == [0, 128, 255]


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([-3.0, 51.0, 102.0], [0, 51, 102]),
        ([0.0, 257.0, 65_535.0], [0, 1, 255]),
        ([float("nan"), float("inf"), 0.2], [0, 0, 51]),
        ([1e12, 2147483648.0, 0.0], [255, 128, 0]),
    ],
)
def test_floats_take_the_smallest_usual_range(values: list[float], levels: list[int]) -> None:
    image, stored = reopened(Image.fromarray(np.array([values], np.float32)), "TIFF")
    assert image.mode == "F"
    assert grey_levels(to_rgb(image, stored)) == levels


@pytest.mark.parametrize(
    ("values", "levels"),
    [([0, 1, 200], [0, 1, 200]), ([0, 25_700, 65_535], [0, 100, 255]), ([-5, 2**31 - 1, 0], [0, 127, 0])],
)
def test_integers_take_the_smallest_usual_range(values: list[int], levels: list[int]) -> None:
    image, stored = reopened(Image.fromarray(np.array([values], np.int32)), "TIFF")
    assert image.mode == "I"
    found = grey_levels(to_rgb(image, stored))
    assert np.abs(np.subtract(found, levels)).max() <= 1


def test_unsigned_32_bits_do_not_wrap() -> None:
    image = Image.fromarray(np.array([[0, 2**31, 2**32 - 1]], np.uint32).view(np.int32))
    assert grey_levels(to_rgb(image, "I;32N")) == [0, 128, 255]


def test_one_bit_and_grey() -> None:
    assert grey_levels(to_rgb(Image.fromarray(np.array([[True, False]])), "1")) == [255, 0]
    assert grey_levels(to_rgb(Image.fromarray(np.array([[7, 200]], np.uint8)), "L")) == [7, 200]


def test_alpha_is_composited_over_white_and_hides_its_colour() -> None:
    pixels = np.array([[[255, 0, 0, 0], [0, 0, 0, 128], [10, 20, 30, 255]]], np.uint8)
    image, stored = reopened(Image.fromarray(pixels), "PNG")
    assert np.asarray(to_rgb(image, stored)).tolist() == [[list(PAPER), [127, 127, 127], [10, 20, 30]]]


def test_grey_with_alpha() -> None:
    image, stored = reopened(Image.fromarray(np.array([[[0, 0], [90, 255]]], np.uint8)), "PNG")
    assert image.mode == "LA"
    assert grey_levels(to_rgb(image, stored)) == [255, 90]


def test_premultiplied_alpha() -> None:
    layer = Image.new("RGBA", (2, 1), (200, 100, 0, 255))
    assert to_rgb(layer.convert("RGBa"), "RGBa").getpixel((0, 0)) == (200, 100, 0)
    assert to_rgb(Image.new("LA", (1, 1), (50, 0)).convert("La"), "La").getpixel((0, 0)) == PAPER


@pytest.mark.parametrize("transparency", [1, b"\xff\x00\xff"])
def test_palette_with_transparency(transparency: int | bytes) -> None:
    palette = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image, stored = reopened(palette, "PNG", transparency=transparency)
    assert image.mode == "P"
    assert np.asarray(to_rgb(image, stored)).tolist() == [[[255, 0, 0], list(PAPER), [0, 0, 255]]]


def test_transparent_colour_of_rgb_and_grey() -> None:
    colours = Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8))
    image, stored = reopened(colours, "PNG", transparency=(1, 2, 3))
    assert np.asarray(to_rgb(image, stored)).tolist() == [[list(PAPER), [4, 5, 6]]]
    image, stored = reopened(Image.fromarray(np.array([[9, 40]], np.uint8)), "PNG", transparency=9)
    assert grey_levels(to_rgb(image, stored)) == [255, 40]


def test_transparent_colour_in_depths_that_pillow_converts() -> None:
    colours = Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8))
    colours.info["transparency"] = (0x01AB, 0x0203, 0x0301)
    assert np.asarray(to_rgb(colours, "RGB;16B")).tolist() == [[list(PAPER), [4, 5, 6]]]
    greys = Image.fromarray(np.array([[85, 170]], np.uint8))
    greys.info["transparency"] = 1
    assert grey_levels(to_rgb(greys, "L;2")) == [255, 170]


def test_cmyk_is_converted() -> None:
    cmyk = Image.frombytes("CMYK", (3, 1), bytes([0, 255, 255, 0, 0, 0, 0, 255, 0, 0, 0, 0]))
    image, stored = reopened(cmyk, "TIFF")
    assert np.asarray(to_rgb(image, stored)).tolist() == [[[255, 0, 0], [0, 0, 0], [255, 255, 255]]]


def test_ycbcr(photograph: NDArray[np.uint8]) -> None:
    converted = Image.fromarray(photograph).convert("YCbCr")
    difference = np.asarray(to_rgb(converted, "YCbCr")).astype(int) - photograph
    assert np.abs(difference).mean() < 2


def test_lab(photograph: NDArray[np.uint8]) -> None:
    image, stored = reopened(Image.fromarray(photograph).convert("LAB"), "TIFF")
    assert image.mode == "LAB"
    difference = np.asarray(to_rgb(image, stored)).astype(int) - photograph
    assert np.abs(difference).mean() < 2
