"""Small files that claim to be large pictures, or thousands of them."""

import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from app.core.errors import ImageError, ImageTooLargeError, InvalidImageError
from app.imaging.decode import DecodeLimits, decode
from tests.fuzz.seeds import chunk, encoded, interlaced, photograph, tiff

LIMITS = DecodeLimits(max_bytes=20_000_000, max_pixels=25_000_000)
FRAMES = 10_000
SMALL = Image.new("RGB", (16, 16), "teal")


def patched(data: bytes, marker: bytes, distance: int, size: bytes) -> bytes:
    """The file with another size, so far behind a marker."""
    at = data.index(marker) + distance
    return data[:at] + size + data[at + len(size) :]


CLAIMS: dict[str, Callable[[], bytes]] = {
    "PNG": lambda: chunked_png(struct.pack(">II", 2**31 - 1, 2**31 - 1)),
    "JPEG": lambda: patched(encoded(SMALL, "JPEG"), b"\xff\xc0", 5, b"\xff" * 4),
    "progressive JPEG": lambda: patched(encoded(SMALL, "JPEG", progressive=True), b"\xff\xc2", 5, b"\xff" * 4),
    "GIF": lambda: patched(encoded(SMALL, "GIF"), b"GIF", 6, b"\xff" * 4),
    "BMP": lambda: patched(encoded(SMALL, "BMP"), b"BM", 18, struct.pack("<ii", 2**31 - 1, 2**31 - 1)),
    "BMP upside down": lambda: patched(encoded(SMALL, "BMP"), b"BM", 18, struct.pack("<ii", 2**20, -(2**20))),
    "TIFF": lambda: tiff({256: [2**31], 257: [2**31], 258: [8], 262: [1], 277: [1], 273: [8], 279: [1]}, b"x"),
    "lossless WEBP": lambda: patched(encoded(SMALL, "WEBP", lossless=True), b"VP8L", 9, b"\xff\xff\xff\x0f"),
    "AVIF": lambda: patched(encoded(SMALL, "AVIF"), b"ispe", 8, struct.pack(">II", 16_000, 16_000)),
}


def chunked_png(size: bytes, interlace: int = 1) -> bytes:
    """A PNG that claims a size and holds a pixel."""
    header = size + bytes([8, 6, 0, 0, interlace])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(5))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", CLAIMS)
def test_claims_beyond_the_limit(kind: str) -> None:
    with pytest.raises(ImageTooLargeError, match="pixels are more than the 25,000,000 allowed"):
        decode(CLAIMS[kind](), LIMITS)


def test_lossy_webp_that_claims_more_than_it_has() -> None:
    with pytest.raises(ImageError):  # libwebp compares the two headers that it has
        decode(patched(encoded(SMALL, "WEBP"), b"\x9d\x01\x2a", 3, b"\xff\x3f\xff\x3f"), LIMITS)


@pytest.mark.parametrize("interlace", [0, 1])
def test_claims_within_the_limit_that_nothing_follows(interlace: int) -> None:
    with pytest.raises(InvalidImageError):
        decode(chunked_png(struct.pack(">II", 5000, 5000), interlace), LIMITS)


def test_seven_passes_of_one_column() -> None:
    pixels = np.zeros((60_000, 1, 3), np.uint8)
    assert decode(interlaced(pixels), LIMITS).size == (60_000, 1)


def gif() -> bytes:
    data = encoded(SMALL, "GIF")
    start = data.index(b",") if b"!\xf9" not in data else data.index(b"!\xf9")
    return data[:-1] + data[start:-1] * (FRAMES - 1) + b";"


def apng() -> bytes:
    data = encoded(SMALL, "PNG")
    pixels = data[data.index(b"IDAT") + 4 : data.index(b"IEND") - 8]

    def control(number: int) -> bytes:
        return chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, 16, 16, 0, 0, 1, 25, 0, 0))

    head = data[: data.index(b"IDAT") - 4] + chunk(b"acTL", struct.pack(">II", FRAMES, 0)) + control(0)
    more = b"".join(
        control(2 * number - 1) + chunk(b"fdAT", struct.pack(">I", 2 * number) + pixels) for number in range(1, FRAMES)
    )
    return head + chunk(b"IDAT", pixels) + more + chunk(b"IEND", b"")


def webp() -> bytes:
    data = encoded(SMALL, "WEBP", save_all=True, append_images=[Image.new("RGB", (16, 16))])
    first = data.index(b"ANMF")
    size = 8 + int.from_bytes(data[first + 4 : first + 8], "little")
    body = data[8:first] + data[first : first + size] * FRAMES
    return b"RIFF" + struct.pack("<I", len(body)) + body


def multi_page_tiff() -> bytes:
    """Directories one behind the other, all of one strip."""
    fields = {256: 2, 257: 1, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 1, 279: 2}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in fields.items())
    size = 2 + len(entries) + 4
    directories = [
        struct.pack("<H", len(fields))
        + entries
        + struct.pack("<I", 12 + (number + 1) * size if number < FRAMES - 1 else 0)
        for number in range(FRAMES)
    ]
    return b"II*\0" + struct.pack("<I", 12) + b"\1\2\0\0" + b"".join(directories)


@pytest.mark.parametrize(
    ("made", "size"), [(gif, (16, 16)), (apng, (16, 16)), (webp, (16, 16)), (multi_page_tiff, (1, 2))]
)
def test_of_ten_thousand_frames_the_first_is_decoded(made: Callable[[], bytes], size: tuple[int, int]) -> None:
    assert decode(made(), LIMITS).size == size


def test_frames_of_an_avif() -> None:
    frames = [photograph()] * 30
    assert decode(encoded(photograph(), "AVIF", speed=10, save_all=True, append_images=frames), LIMITS).size == (64, 96)
