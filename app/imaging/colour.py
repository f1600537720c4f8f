"""Any of Pillow's pixel modes to 8-bit RGB."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

PAPER = (255, 255, 255)
"""Colour under transparent pixels."""

_RANGES = (1.0, 255.0, 65535.0, 4294967295.0)
"""Usual ranges of numbers that carry no range of their own; the first for floats only."""

_EXPANDED = {"L;2": 85, "L;4": 17}
"""Factor by which Pillow expands grey of 2 and 4 bits to 8, but not the grey that is declared transparent."""


def to_rgb(image: Image.Image, stored: str) -> Image.Image:
    """Converts to RGB; transparent pixels are composited over white, so what they hide stays hidden.

    Grey of 16 bits is scaled by 255 / 65535. Grey as 32-bit integers or floats has no declared range: the smallest of
    0–1 (floats only), 0–255, 0–65535 and 0–2³²−1 that holds the largest value is taken; what is negative or not finite
    is black. CMYK is converted without a profile. Embedded ICC profiles are not applied: numbers are taken as sRGB, in
    training as in serving.

    Args:
        image: loaded, in any mode.
        stored: Pillow's raw mode of the file, as `raw_mode` tells before loading.
    """
    transparency = _transparency(image, stored)
    if image.mode.startswith("I;16"):
        values = np.asarray(image)
        image = _grey(values, 4095.0 if stored == "I;12" else 65535.0)
        if transparency is not None:
            image.putalpha(Image.fromarray(np.where(values == transparency, 0, 255).astype(np.uint8)))
    elif image.mode in ("I", "F"):
        image = _from_unranged(image, stored)
    elif transparency is not None:
        image.info["transparency"] = transparency
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    layer = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")  # La converts to LA alone
    paper = Image.new("RGB", layer.size, PAPER)
    paper.paste(layer, mask=layer.getchannel("A"))
    return paper


def raw_mode(image: Image.Image) -> str:
    """How the file stores its pixels ("L;4", "RGB;16B", …), known only before loading; "" where it is not said."""
    tiles = getattr(image, "tile", [])
    arguments = tiles[0][3] if tiles else None
    stored = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return stored if isinstance(stored, str) else ""


def _transparency(image: Image.Image, stored: str) -> int | tuple[int, ...] | bytes | None:
    """The transparent colour, in the depth of the loaded pixels."""
    declared: int | tuple[int, ...] | bytes | None = image.info.get("transparency")
    if isinstance(declared, int):
        return declared * _EXPANDED.get(stored, 1)
    if isinstance(declared, tuple) and stored == "RGB;16B":
        return tuple(value >> 8 for value in declared)
    return declared


def _from_unranged(image: Image.Image, stored: str) -> Image.Image:
    numbers = np.asarray(image)
    if stored == "I;32N":  # unsigned, which mode I is not
        numbers = numbers.view(np.uint32)
    values = numbers.astype(np.float32)
    values[~np.isfinite(values)] = 0.0
    ranges = _RANGES if image.mode == "F" else _RANGES[1:]
    largest = float(values.max())
    return _grey(values, next((limit for limit in ranges if largest <= limit), ranges[-1]))


def _grey(values: NDArray[np.generic], white: float) -> Image.Image:
    """Mode L from numbers of which 0 is black."""
    scaled = np.clip(values.astype(np.float32) * np.float32(255.0 / white), 0.0, 255.0)
    return Image.fromarray(np.rint(scaled).astype(np.uint8))
