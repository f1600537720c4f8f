"""Which pixel of a mask stands for which class."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from app.core.errors import DataError
from app.core.labels import RGB, UNDECIDED
from app.training.sources.masks import NO_COLOUR, VALUES, WHITE, MaskPixels, read_pixels
from app.training.sources.samples import Sample

Array = np.ndarray[Any, np.dtype[Any]]

UNKNOWN = -1
SHOWN = 8


@dataclass(frozen=True)
class PixelCodes:
    """Class ids, or 255 for undecided, by what a pixel of a mask is.

    Args:
        values: by grey value or index into a palette, 0–65535.
        colours: by colour.
        trusted: what counts in a file with a palette. `values`: its indices; `colours`: its colours, and grey files
            are read as colours, too; `either`: its colours if all of them are known, else its indices, as long as
            the colours that are known say the same.
        remedy: what to do about pixels that stand for nothing; the end of a message.
    """

    values: Mapping[int, int]
    colours: Mapping[RGB, int] = field(default_factory=dict)
    trusted: Literal["values", "colours", "either"] = "values"
    remedy: str = ""

    def ids(self, pixels: MaskPixels) -> Array:
        """Class ids or 255, (H, W) uint8.

        Raises:
            ValueError: pixels that stand for nothing, or for nothing but undecided; the message says which.
        """
        if self._goes_by_colour(pixels):
            pixel, ids = pixels.colours, self._of_colours(pixels.colours)
        else:
            pixel = self._values_of(pixels)
            ids = self._value_table[pixel]
        assert pixel is not None
        if (ids == UNKNOWN).any():
            raise ValueError(f"unknown {_named(pixel[ids == UNKNOWN])}; {self.remedy}")
        if (ids == UNDECIDED).all():
            raise ValueError(f"no labelled pixel, only {_named(pixel)}; {self.remedy}")
        return ids.astype(np.uint8)

    def _goes_by_colour(self, pixels: MaskPixels) -> bool:
        if pixels.values is None or pixels.colours is None:
            return pixels.values is None
        if pixels.kind == "colours":  # all of them grey: values, unless they are known as colours
            return bool(np.isin(pixels.colours, self._known).all())
        if pixels.kind != "palette" or self.trusted != "either":
            return self.trusted == "colours"
        index, first = np.unique(pixels.values, return_index=True)
        colours = pixels.colours.ravel()[first]
        known = np.isin(colours, self._known)
        if not known.all() and (self._of_colours(colours) != self._value_table[index])[known].any():
            unknown = hexadecimal(colours[~known])
            raise ValueError(f"unknown colour(s) {unknown} in its palette, whose order is its own; {self.remedy}")
        return bool(known.all())

    def _values_of(self, pixels: MaskPixels) -> Array:
        """Values; white of one bit is 255 where a class has that value, else 1."""
        assert pixels.values is not None
        one = pixels.kind == "bits" and self.values.get(WHITE, UNDECIDED) == UNDECIDED
        return np.minimum(pixels.values, 1) if one else pixels.values

    def _of_colours(self, colours: Array | None) -> Array:
        """Class ids or −1 of packed colours."""
        assert colours is not None
        place = np.searchsorted(self._known[:-1], colours)
        return np.where(self._known[place] == colours, self._ids_of_known[place], UNKNOWN)

    @cached_property
    def _value_table(self) -> Array:
        table = np.full(VALUES, UNKNOWN, np.int16)
        for value, class_id in self.values.items():
            table[value] = class_id
        return table

    @cached_property
    def _known(self) -> Array:
        """Packed colours in order, and one at the end that no pixel has."""
        return np.array([*sorted(packed(colour) for colour in self.colours), 1 << 24], np.int32)

    @cached_property
    def _ids_of_known(self) -> Array:
        return np.array([*(self.colours[colour] for colour in sorted(self.colours, key=packed)), UNKNOWN], np.int16)


def packed(colour: RGB) -> int:
    """A colour as one number, 0xRRGGBB."""
    red, green, blue = colour
    return red << 16 | green << 8 | blue


def read_mask(sample: Sample, codes: PixelCodes) -> Array:
    """The mask of a sample whose mask is a file of its own: class ids or 255, (H, W) uint8.

    Raises:
        DataError: a file that is missing, unreadable or lossy, pixels that stand for nothing, or no labelled one.
    """
    if not sample.mask.exists():
        raise DataError([f"{sample.mask}: missing; it is the mask of {sample.picture}"])
    pixels = read_pixels(sample.mask)
    try:
        return codes.ids(pixels)
    except ValueError as error:
        raise DataError([f"{sample.mask}: {error}"]) from error


def _named(pixels: Array) -> str:
    return f"colour(s) {hexadecimal(pixels)}" if pixels.dtype == np.int32 else f"value(s) {_listed(pixels)}"


def _listed(values: Array) -> str:
    found = np.unique(values).tolist()
    return f"[{', '.join(map(str, found[:SHOWN]))}{f', … {len(found)} in all' if len(found) > SHOWN else ''}]"


def hexadecimal(colours: Any) -> str:
    """Packed colours as `#rrggbb`, separated by commas."""
    found = [f"#{colour:06x}" if colour != NO_COLOUR else "none" for colour in np.unique(colours).tolist()]
    return ", ".join(found[:SHOWN]) + (f", … {len(found)} in all" if len(found) > SHOWN else "")
