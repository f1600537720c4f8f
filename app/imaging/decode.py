"""Encoded bytes to RGB pixels, as people see the picture."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.Image import Transpose
from PIL.JpegImagePlugin import JpegImageFile

from app.core.errors import (
    EmptyImageError,
    ImageTooLargeError,
    InvalidImageError,
    SegserveError,
    UnsupportedImageError,
)
from app.imaging.colour import raw_mode, to_rgb
from app.imaging.pixel_limit import at_most, check_pixels
from app.imaging.signatures import Kind, recognise
from app.imaging.structure import MAX_RUN_LENGTH_PIXELS, BoundedReader, check_exif, check_structure

_UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
"""What undoes an EXIF orientation (CIPA DC-008, 4.6.5, tag 274)."""

_SIDEWAYS = (5, 6, 7, 8)
_TILE_WIDTH, _TILE_LENGTH = 322, 323
_RUN_LENGTHS = (1, 2)
"""Compressions of a BMP (BI_RLE8, BI_RLE4)."""
_TIFF_COMPRESSIONS = frozenset(
    ("raw", "packbits", "tiff_lzw", "tiff_deflate", "tiff_adobe_deflate", "jpeg", "lzma", "zstd", "webp")
)
"""Those that are decoded; others are fax (libtiff goes on after an error and writes a line to stderr for each row: one
upload could flood the log), obsolete or of one maker."""


@dataclass(frozen=True)
class DecodeLimits:
    """What a picture may cost.

    Args:
        max_bytes: largest encoded size.
        max_pixels: largest width × height, checked before decoding.
    """

    max_bytes: int
    max_pixels: int


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Args:
        image: Pillow's, of mode RGB, upright; as large as `size`, or smaller where a JPEG was decoded at a reduced
            scale.
        size: original (H, W), orientation applied.
        kind: "JPEG", "MPO", "PNG", "WEBP", "BMP", "TIFF", "GIF" or "AVIF".
    """

    image: Image.Image
    size: tuple[int, int]
    kind: str

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """(h, w, 3) uint8 RGB, 0–255: a copy of the image's, made anew each time."""
        return np.asarray(self.image)


Size = tuple[int, int]
Plan = Callable[[Size], Size | None]
"""(H, W) of a picture → the (h, w), both at least 1, that are enough of it; None: all.

Of a JPEG as people see it, of other kinds as it is stored: these tell their orientation only when they are decoded.
"""


def all_pixels(size: Size) -> None:
    """The plan of who needs the whole picture."""


def decode(
    data: bytes,
    limits: DecodeLimits,
    plan: Plan = all_pixels,
) -> Picture:
    """Decodes the first frame of a picture, upright, transparency over white; touches no disk, safe in any thread.

    Args:
        data: the encoded picture; its kind is told by its content.
        limits: what it may cost.
        plan: asked before the first pixel is decoded; what it raises ends the call. A JPEG that is larger than it says
            is decoded at 1/2, 1/4 or 1/8 of its scale, several times as fast, to pixels that are no smaller than that
            on either side.

    Raises:
        EmptyImageError: no bytes.
        ImageTooLargeError: more bytes or pixels than the limits; made of too many pieces.
        UnsupportedImageError: a kind that is not decoded here.
        InvalidImageError: not a picture, a broken one, or one that ends too early.
        MemoryError: there is none left, though the picture is within the limits.
    """
    if not data:
        raise EmptyImageError("no bytes arrived where a picture was expected")
    if len(data) > limits.max_bytes:
        raise ImageTooLargeError(f"{len(data):,} bytes are more than the {limits.max_bytes:,} allowed")
    kind = recognise(data)
    try:
        with at_most(limits.max_pixels):
            return _decode(data, kind, limits, plan)
    except (SegserveError, MemoryError):
        raise
    except Exception as error:  # Pillow's decoders raise anything from struct.error to SyntaxError
        if "out of memory" in str(error):  # what a decoder's own library says
            raise MemoryError(str(error)) from error
        raise InvalidImageError(f"it starts as {kind}, but is broken, ends too early or is a rare variant") from error


def _decode(data: bytes, kind: Kind, limits: DecodeLimits, plan: Plan) -> Picture:
    check_structure(data, kind)
    image = Image.open(BoundedReader(data), formats=(kind,))
    width, height = image.size
    check_pixels(image.size, limits.max_pixels)
    tags = getattr(image, "tag_v2", {})  # of a TIFF, whose tiles are decoded whole, however large
    check_pixels((int(tags.get(_TILE_WIDTH, 0)), int(tags.get(_TILE_LENGTH, 0))), limits.max_pixels)
    if image.info.get("compression") in _RUN_LENGTHS:
        check_pixels(image.size, MAX_RUN_LENGTH_PIXELS)
    sideways = isinstance(image, JpegImageFile) and _orientation(image) in _SIDEWAYS
    at_least = plan((width, height) if sideways else (height, width))
    if kind == "TIFF" and image.info.get("compression") not in _TIFF_COMPRESSIONS:
        raise UnsupportedImageError(
            "TIFF is decoded without compression or with LZW, Deflate, JPEG, PackBits, LZMA, Zstandard or WebP, not as "
            "fax (CCITT) or anything else: save it with LZW or Deflate"
        )
    stored = raw_mode(image)
    if at_least is not None and isinstance(image, JpegImageFile):
        image.draft(None, at_least if sideways else at_least[::-1])
    image.load()
    orientation = _orientation(image)
    rgb = to_rgb(image, stored)
    if orientation in _UPRIGHT:
        rgb = rgb.transpose(_UPRIGHT[orientation])
    size = (rgb.height, rgb.width)
    if isinstance(image, JpegImageFile):  # perhaps at a reduced scale; others are turned by what only loading tells
        size = (width, height) if orientation in _SIDEWAYS else (height, width)
    return Picture(rgb, size, image.format or kind)


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1–8; 1 where there is none, or where the EXIF data are broken.

    Before loading, only a JPEG knows it; Pillow turns a TIFF upright by itself while loading.
    """
    check_exif(image.info.get("exif"), image.info.get("Raw profile type exif"))
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # broken metadata do not make a picture unreadable
        return 1
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1
