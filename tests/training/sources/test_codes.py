from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.core.errors import DataError
from app.core.labels import UNDECIDED
from app.training.sources.codes import PixelCodes, hexadecimal, packed, read_mask
from app.training.sources.masks import MaskPixels
from app.training.sources.samples import Sample
from tests.training.drawn_pets import Array

RED, GREEN, VOID = (255, 0, 0), (0, 255, 0), (224, 224, 192)
COLOURS = {RED: 0, GREEN: 1, VOID: UNDECIDED, (9, 9, 9): 1}


def grey(*values: int) -> MaskPixels:
    array = np.array([values], np.uint16)
    return MaskPixels(array, array * np.int32(0x010101), "grey")


def coloured(*colours: tuple[int, int, int]) -> MaskPixels:
    numbers = np.array([[packed(colour) for colour in colours]], np.int32)
    same = all(len(set(colour)) == 1 for colour in colours)
    return MaskPixels(np.array([[c[0] for c in colours]], np.uint16) if same else None, numbers, "colours")


def palette(indices: list[int], colours: list[int]) -> MaskPixels:
    return MaskPixels(np.array([indices], np.uint16), np.array([colours], np.int32), "palette")


def test_values_of_any_kind() -> None:
    codes = PixelCodes({0: 0, 7: 1, 8: 1, 65535: 2, 9: UNDECIDED})
    ids = codes.ids(MaskPixels(np.array([[0, 7, 8], [65535, 9, 0]], np.uint16), None, "grey"))
    assert ids.dtype == np.uint8
    assert ids.tolist() == [[0, 1, 1], [2, 255, 0]]


def test_colours_in_any_order() -> None:
    codes = PixelCodes({0: 0, 1: 1}, COLOURS)
    assert codes.ids(coloured(GREEN, RED, VOID, (9, 9, 9))).tolist() == [[1, 0, 255, 1]]


def test_every_class_of_255() -> None:
    colours = {(n, n // 2, 255 - n): n for n in range(255)}
    codes = PixelCodes({n: n for n in range(255)}, colours)
    assert codes.ids(grey(*range(255))).tolist() == [list(range(255))]
    assert codes.ids(coloured(*colours)).tolist() == [list(range(255))]


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (grey(0, 4, 4, 2), r"unknown value\(s\) \[2, 4\]; do this"),
        (grey(*range(2, 20)), r"unknown value\(s\) \[2, 3, 4, 5, 6, 7, 8, 10, … 17 in all\]; do this"),
        (coloured(RED, (0, 0, 254), (0, 1, 0)), r"unknown colour\(s\) #0000fe, #000100; do this"),
        (grey(9, 9), r"no labelled pixel, only value\(s\) \[9\]; do this"),
        (coloured(VOID, VOID), r"no labelled pixel, only colour\(s\) #e0e0c0; do this"),
    ],
)
def test_what_stands_for_nothing_is_named(pixels: MaskPixels, message: str) -> None:
    codes = PixelCodes({0: 0, 1: 1, 9: UNDECIDED}, COLOURS, remedy="do this")
    with pytest.raises(ValueError, match=message):
        codes.ids(pixels)


def test_grey_written_as_red_green_and_blue_is_values_unless_known_as_colours() -> None:
    codes = PixelCodes({0: 0, 1: 1, 9: 0}, COLOURS)
    assert codes.ids(coloured((0, 0, 0), (1, 1, 1))).tolist() == [[0, 1]]
    assert codes.ids(coloured((9, 9, 9))).tolist() == [[1]]
    assert codes.ids(grey(9)).tolist() == [[0]]


def test_without_colours_colours_are_unknown() -> None:
    with pytest.raises(ValueError, match="unknown colour"):
        PixelCodes({0: 0, 1: 1}).ids(coloured(RED))


@pytest.mark.parametrize(("values", "white"), [({0: 0, 1: 1}, 1), ({0: 0, 255: 1}, 1), ({0: 0, 1: 1, 255: 255}, 1)])
def test_white_of_one_bit_is_255_where_a_class_is_else_1(values: dict[int, int], white: int) -> None:
    array: Array = np.array([[0, 255]], np.uint16)
    assert PixelCodes(values).ids(MaskPixels(array, None, "bits")).tolist() == [[0, white]]


def test_a_palette_counts_by_its_indices_by_its_colours_or_by_what_is_known() -> None:
    values = {0: 0, 1: 1, 255: UNDECIDED}
    swapped = palette([0, 1, 1], [packed(GREEN), packed(RED), packed(RED)])
    assert PixelCodes(values, COLOURS, "values").ids(swapped).tolist() == [[0, 1, 1]]
    assert PixelCodes(values, COLOURS, "colours").ids(swapped).tolist() == [[1, 0, 0]]
    assert PixelCodes(values, COLOURS, "either").ids(swapped).tolist() == [[1, 0, 0]]
    greys = palette([0, 1, 255], [0x000000, 0x010101, 0xFFFFFF])
    assert PixelCodes(values, COLOURS, "either").ids(greys).tolist() == [[0, 1, 255]]
    white_void = palette([0, 1, 255], [packed(RED), packed(GREEN), 0xFFFFFF])
    assert PixelCodes(values, COLOURS, "either").ids(white_void).tolist() == [[0, 1, 255]]


def test_a_palette_whose_order_is_its_own_with_a_colour_that_is_unknown() -> None:
    codes = PixelCodes({0: 0, 1: 1, 2: 2}, COLOURS, "either", "do this")
    with pytest.raises(
        ValueError, match=r"unknown colour\(s\) #123456 in its palette, whose order is its own; do this"
    ):
        codes.ids(palette([0, 1, 2], [packed(GREEN), packed(RED), 0x123456]))


def test_grey_files_are_colours_where_colours_are_trusted() -> None:
    codes = PixelCodes({0: 0}, {(0, 0, 0): 0, (255, 255, 255): 1}, "colours")
    assert codes.ids(grey(0, 255)).tolist() == [[0, 1]]
    with pytest.raises(ValueError, match=r"unknown colour\(s\) #070707"):
        codes.ids(grey(0, 7))
    with pytest.raises(ValueError, match=r"unknown value\(s\) \[300\]"):
        codes.ids(MaskPixels(np.array([[300]], np.uint16), None, "grey"))


def test_the_file_of_a_mask(tmp_path: Path) -> None:
    sample = Sample("a", tmp_path / "a.jpg", tmp_path / "a.png")
    codes = PixelCodes({0: 0, 1: 1}, remedy="do this")
    with pytest.raises(DataError) as missing:
        read_mask(sample, codes)
    assert missing.value.problems == (f"{sample.mask}: missing; it is the mask of {sample.picture}",)
    Image.fromarray(np.array([[1, 0]], np.uint8)).save(sample.mask)
    assert read_mask(sample, codes).tolist() == [[1, 0]]
    Image.fromarray(np.array([[1, 3]], np.uint8)).save(sample.mask)
    with pytest.raises(DataError) as unknown:
        read_mask(sample, codes)
    assert unknown.value.problems == (f"{sample.mask}: unknown value(s) [3]; do this",)


def test_colours_in_words() -> None:
    assert hexadecimal(np.array([[0x0A0B0C, -1]])) == "none, #0a0b0c"
    assert hexadecimal(np.arange(20)).endswith("#000007, … 20 in all")
