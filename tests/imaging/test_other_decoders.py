"""Of Pillow's forty decoders those of the accepted kinds are reached, and no others; no program is ever run."""

import contextlib
import os
import struct
import subprocess
from collections.abc import Iterator
from functools import cache

import pytest
from PIL import Image, TiffImagePlugin

from app.core.errors import ImageError, UnsupportedImageError
from app.imaging.decode import DecodeLimits, decode
from app.imaging.signatures import Kind
from tests.fuzz.seeds import encoded, photograph, seeds

LIMITS = DecodeLimits(max_bytes=1_000_000, max_pixels=1_000_000)
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
STARTS = (
    b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+",
    b"RIFF\0\0\0\0WEBP", b"\0\0\0\x20ftypavif",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _no_others(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever else is reached fails the test."""
    Image.init()
    accepted = set(Kind.__args__)  # type: ignore[attr-defined]  # a Literal has them
    assert accepted < Image.OPEN.keys()
    assert {"EPS", "PSD", "ICO", "WMF", "FPX", "MPEG", "DDS", "PPM"} & Image.OPEN.keys() > {"EPS", "PSD"}

    def refuse(*arguments: object, **options: object) -> None:
        reached.append(arguments)

    reached: list[object] = []
    for name in Image.OPEN.keys() - accepted:
        monkeypatch.setitem(Image.OPEN, name, (refuse, refuse))
    for module, call in ((subprocess, "Popen"), (os, "system"), (os, "posix_spawn"), (os, "fork")):
        monkeypatch.setattr(module, call, refuse)
    yield
    assert not reached


@cache
def others() -> dict[str, bytes]:
    """Files of kinds that Pillow writes and that are not accepted, and one that it would run Ghostscript for."""
    written = {}
    for kind in ("PPM", "PCX", "TGA", "ICO", "SGI", "DDS", "EPS", "PDF", "MSP", "XBM", "JPEG2000", "ICNS", "QOI"):
        picture = photograph().convert("1" if kind in ("MSP", "XBM") else "RGB")
        written[kind] = encoded(picture, kind)
    return {**written, "PostScript": POSTSCRIPT, "PSD": b"8BPS\0\1" + bytes(99)}


@pytest.mark.parametrize("kind", others())
def test_other_kinds(kind: str) -> None:
    with pytest.raises(ImageError):
        decode(others()[kind], LIMITS)


@pytest.mark.parametrize("kind", others())
def test_other_kinds_behind_the_start_of_an_accepted_one(kind: str) -> None:
    other = others()[kind]
    for start in STARTS:
        for data in (start + other, start + other[len(start) :], start.ljust(64, b"\0") + other):
            with pytest.raises(ImageError):
                decode(data, LIMITS)


@pytest.mark.parametrize("kind", seeds())
def test_other_kinds_in_the_middle_and_at_the_end_of_an_accepted_one(kind: str) -> None:
    for data in seeds()[kind]:
        size = decode(data, LIMITS).size
        for other in (POSTSCRIPT, others()["PSD"], others()["ICO"]):
            assert decode(data + other, LIMITS).size == size
            for middle in (len(data) // 3, len(data) // 2):
                with contextlib.suppress(ImageError):
                    decode(data[:middle] + other + data[middle:], LIMITS)


def test_the_second_picture_of_an_mpo() -> None:
    data = encoded(photograph(), "MPO", save_all=True, append_images=[photograph()])
    second = data.index(b"\xff\xd8\xff", 10)
    assert decode(data[:second] + POSTSCRIPT, LIMITS).kind == "MPO"


ACCEPTED = {1, 5, 7, 8, 32773, 32946, 34925, 50000, 50001}


@pytest.mark.parametrize("compression", TiffImagePlugin.COMPRESSION_INFO)
def test_compressions_in_a_tiff(compression: int) -> None:
    data = bytearray(encoded(photograph(), "TIFF", compression="raw"))
    at = data.index(struct.pack("<HHI", 259, 3, 1)) + 8
    data[at : at + 2] = struct.pack("<H", compression)
    refused = False
    try:
        decode(bytes(data), LIMITS)
    except UnsupportedImageError:
        refused = True
    except ImageError:  # its pixels are compressed in another way
        pass
    assert refused == (compression not in ACCEPTED)
