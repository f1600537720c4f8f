"""Files of masks: their pixels as they are stored."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageOps

from app.core.errors import DataError

Array = np.ndarray[Any, np.dtype[Any]]

MASK_SUFFIXES = frozenset((".png", ".bmp", ".tif", ".tiff"))
LOSSLESS = ("PNG", "BMP", "TIFF")

MAX_PIXELS = 2**27
"""Largest width × height of a mask: generous, still bounded."""

VALUES = 2**16
"""Grey values that there may be: 16 bits."""

WHITE = 255
NO_COLOUR = -1


@dataclass(frozen=True)
class MaskPixels:
    """What the file of a mask holds. Of `values` and `colours` at least one is there.

    Args:
        values: (H, W) uint16, grey values or indices into a palette; None in a file of colours that are not all grey.
        colours: (H, W) int32, 0xRRGGBB, or −1 where a palette has no entry; None where grey values are not of 8 bits.
        kind: how the file says it; `bits` is black and white, as 0 and 255.
    """

    values: Array | None
    colours: Array | None
    kind: Literal["bits", "grey", "palette", "colours"]


class _UnsuitableError(Exception):
    """A picture that is no mask, and why."""


def read_pixels(path: Path) -> MaskPixels:
    """Reads the file of a mask, upright.

    Raises:
        DataError: it cannot be read, or its pixels cannot be class ids or colours of classes.
    """
    try:
        with Image.open(path) as image:
            _require_usable(image)
            return _pixels(ImageOps.exif_transpose(image))
    except _UnsuitableError as error:
        raise DataError([f"{path}: {error}"]) from error
    except Exception as error:  # Pillow's decoders raise anything from struct.error to SyntaxError
        raise DataError([f"{path}: cannot be read as a picture ({error})"]) from error


def _require_usable(image: Image.Image) -> None:
    """Refuses by the header alone."""
    if image.format not in LOSSLESS or image.info.get("compression") == "jpeg":
        raise _UnsuitableError(
            f"{image.format} may change the values of pixels: save masks as PNG, without scaling them"
        )
    if image.width * image.height > MAX_PIXELS:
        raise _UnsuitableError(f"{image.width} × {image.height} pixels are more than the {MAX_PIXELS:,} allowed")
    if (frames := getattr(image, "n_frames", 1)) > 1:
        raise _UnsuitableError(f"{frames} pictures in one file: save one mask a file")


def _pixels(image: Image.Image) -> MaskPixels:
    mode, pixels = image.mode, np.asarray(image)
    if mode in ("LA", "PA", "RGBA"):
        if (pixels[..., -1] != WHITE).any():
            raise _UnsuitableError("transparent pixels, whose class is unclear: save it without an alpha channel")
        mode, pixels = mode[:-1], pixels[..., :3] if mode == "RGBA" else pixels[..., 0]
    if mode == "RGB":
        return _from_colours(pixels)
    if mode == "P":
        return MaskPixels(pixels.astype(np.uint16), _palette(image)[pixels], "palette")
    if mode in ("1", "L"):
        grey = pixels.astype(np.uint16) * WHITE if mode == "1" else pixels.astype(np.uint16)
        return MaskPixels(grey, grey * np.int32(0x010101), "bits" if mode == "1" else "grey")
    if mode in ("I", "F") or mode.startswith("I;16"):
        return MaskPixels(_whole_numbers(pixels), None, "grey")
    raise _UnsuitableError(f"colour mode {mode}: save it as grey, with a palette, or as RGB")


def _from_colours(pixels: Array) -> MaskPixels:
    red, green, blue = (pixels[..., channel].astype(np.int32) for channel in range(3))
    grey = (red == green).all() and (red == blue).all()
    return MaskPixels(red.astype(np.uint16) if grey else None, red << 16 | green << 8 | blue, "colours")


def _palette(image: Image.Image) -> Array:
    """Packed colours by index, (256,) int32."""
    entries = np.array(image.getpalette("RGB") or [], np.int32).reshape(-1, 3)
    table = np.full(256, NO_COLOUR, np.int32)
    table[: len(entries)] = entries @ np.array([1 << 16, 1 << 8, 1], np.int32)
    return table


def _whole_numbers(numbers: Array) -> Array:
    if not np.isfinite(numbers).all() or (numbers != np.floor(numbers)).any():
        raise _UnsuitableError("fractions, or no numbers at all: a mask holds whole numbers, one for each class")
    if numbers.min() < 0 or numbers.max() >= VALUES:
        raise _UnsuitableError(
            f"values from {numbers.min():g} to {numbers.max():g}: a mask holds values from 0 to 65535"
        )
    return numbers.astype(np.uint16)
