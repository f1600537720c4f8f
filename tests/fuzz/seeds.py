"""Real files of every accepted kind, drawn from a photograph: what a campaign mutates."""

import struct
import zlib
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from skimage.data import chelsea

Pixels = NDArray[np.uint8]

TURNED = 6
"""EXIF orientation: to be turned clockwise."""


@cache
def photograph() -> Image.Image:
    """A cat's eye, 96×64."""
    pixels: Pixels = chelsea()  # type: ignore[no-untyped-call]  # scikit-image ships no types
    return Image.fromarray(pixels[60:124, 90:186])


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The picture as a file of that kind."""
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@cache
def seeds() -> dict[str, tuple[bytes, ...]]:
    """Files by their kind."""
    return {
        "JPEG": tuple(_jpeg()),
        "PNG": tuple(_png()),
        "WEBP": tuple(_webp()),
        "BMP": tuple(_bmp()),
        "TIFF": tuple(_tiff()),
        "GIF": tuple(_gif()),
        "AVIF": tuple(_avif()),
    }


def _frames() -> dict[str, Any]:
    """Options of an animation."""
    picture = photograph()
    others = [picture.transpose(Image.Transpose.ROTATE_180), Image.new("RGB", picture.size, "teal")]
    return {"save_all": True, "append_images": others, "duration": 40}


def _metadata() -> dict[str, Any]:
    """Options that add an orientation and a colour profile."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = TURNED
    exif[ExifTags.Base.Software] = "segserve"
    return {"exif": exif, "icc_profile": bytes(range(256)) * 4}


def _translucent() -> Image.Image:
    picture = photograph().convert("RGBA")
    picture.putalpha(photograph().convert("L"))
    return picture


def _jpeg() -> Iterator[bytes]:
    picture = photograph()
    yield encoded(picture, "JPEG", quality=85)
    yield encoded(picture.resize((384, 256)), "JPEG", quality=60)  # decoded at a reduced scale
    yield encoded(picture, "JPEG", progressive=True, subsampling="4:4:4")
    yield encoded(picture, "JPEG", restart_marker_blocks=2, comment=b"a cat", **_metadata())
    yield encoded(picture.convert("CMYK"), "JPEG")
    yield encoded(picture.convert("L"), "JPEG", optimize=True)
    yield encoded(picture, "MPO", **_frames())


def _png() -> Iterator[bytes]:
    picture = photograph()
    yield encoded(picture, "PNG", **_metadata())
    yield encoded(picture.convert("1"), "PNG")
    yield encoded(picture.convert("L"), "PNG", transparency=7)
    yield encoded(picture.convert("P"), "PNG", transparency=bytes(range(0, 256, 2)))
    yield encoded(picture.quantize(4), "PNG", bits=2)
    yield encoded(Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257), "PNG")
    yield encoded(_translucent(), "PNG")
    yield encoded(picture, "PNG", **_frames())
    yield interlaced(np.asarray(picture))


def _webp() -> Iterator[bytes]:
    yield encoded(photograph(), "WEBP", quality=70, **_metadata())
    yield encoded(photograph(), "WEBP", lossless=True)
    yield encoded(_translucent(), "WEBP", quality=70)
    yield encoded(_translucent(), "WEBP", **_frames())


def _bmp() -> Iterator[bytes]:
    for mode in ("RGB", "RGBA", "P", "L", "1"):
        yield encoded(photograph().convert(mode), "BMP")
    yield run_lengths(np.asarray(photograph().convert("L")))


def _tiff() -> Iterator[bytes]:
    picture = photograph()
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "lzma", "zstd"):
        yield encoded(picture, "TIFF", compression=compression)
    yield encoded(picture, "TIFF", compression="tiff_lzw", big_tiff=True, **_metadata())
    yield encoded(Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257), "TIFF")
    yield encoded(picture.convert("F"), "TIFF", compression="tiff_deflate")
    for mode in ("CMYK", "LAB", "P", "1", "RGBA", "I"):
        yield encoded(picture.convert("L" if mode == "I" else mode).convert(mode), "TIFF")
    yield encoded(picture, "TIFF", **_frames())
    yield tiled(np.asarray(picture), compressed=False)
    yield tiled(np.asarray(picture), compressed=True)


def _gif() -> Iterator[bytes]:
    yield encoded(photograph(), "GIF", comment=b"a cat")
    yield encoded(photograph(), "GIF", interlace=0)
    yield encoded(photograph().convert("P"), "GIF", transparency=3, loop=0, disposal=2, **_frames())


def _avif() -> Iterator[bytes]:
    yield encoded(photograph(), "AVIF", quality=60, speed=10, **_metadata())
    yield encoded(_translucent(), "AVIF", quality=60, speed=10)
    yield encoded(photograph(), "AVIF", quality=60, speed=10, **_frames())


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def interlaced(pixels: Pixels) -> bytes:
    """(H, W, 3) as a PNG in seven passes (PNG, third edition, section 8.1), which Pillow reads but doesn't write."""
    height, width, _ = pixels.shape
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    rows = (row for top, left, down, right in passes for row in pixels[top::down, left::right])
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def tiled(pixels: Pixels, *, compressed: bool, side: int = 32) -> bytes:
    """(H, W, 3) as a TIFF of tiles (TIFF 6.0, section 15), of whose sides both are multiples."""
    height, width, _ = pixels.shape
    squares = [
        pixels[top : top + side, left : left + side].tobytes()
        for top in range(0, height, side)
        for left in range(0, width, side)
    ]
    tiles = [zlib.compress(square) if compressed else square for square in squares]
    offsets = [8 + sum(map(len, tiles[:number])) for number in range(len(tiles))]
    fields = {256: [width], 257: [height], 258: [8] * 3, 259: [8 if compressed else 1], 262: [2], 277: [3]}
    fields |= {322: [side], 323: [side], 324: offsets, 325: [len(tile) for tile in tiles]}
    return tiff(fields, b"".join(tiles))


def tiff(fields: dict[int, list[int]], pixels: bytes = b"") -> bytes:
    """A little-endian TIFF: its header, `pixels`, longer values, one directory of LONGs."""
    values, entries = b"", b""
    for tag, numbers in fields.items():
        packed = struct.pack(f"<{len(numbers)}I", *numbers)
        place = packed if len(numbers) == 1 else struct.pack("<I", 8 + len(pixels) + len(values))
        values += b"" if len(numbers) == 1 else packed
        entries += struct.pack("<HHI", tag, 4, len(numbers)) + place
    directory = 8 + len(pixels) + len(values)
    return (
        b"II*\0" + struct.pack("<I", directory) + pixels + values + struct.pack("<H", len(fields)) + entries + bytes(4)
    )


def run_lengths(grey: Pixels) -> bytes:
    """(H, W) as a BMP with run lengths, which Pillow reads but doesn't write."""
    height, width = grey.shape
    runs = b"".join(b"".join(b"\1%c" % value for value in row.tobytes()) + b"\0\0" for row in grey[::-1]) + b"\0\1"
    palette = b"".join(bytes([value, value, 255 - value, 0]) for value in range(256))
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(runs), 0, 0, 256, 0)
    start = 14 + len(header) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(runs), 0, 0, start) + header + palette + runs
