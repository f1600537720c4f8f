"""Small files that would take a decoder seconds to hours, and real ones that are nearly as unusual."""

import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.core.errors import ImageTooLargeError, InvalidImageError
from app.imaging.decode import DecodeLimits, decode
from app.imaging.structure import (
    MAX_NUMBERS,
    MAX_PROFILES,
    MAX_READS,
    MAX_SCANS,
    BoundedReader,
    check_exif,
    check_structure,
)
from tests.fuzz.seeds import chunk, encoded, run_lengths, seeds, tiff

LIMITS = DecodeLimits(max_bytes=20_000_000, max_pixels=25_000_000)
SMALL = Image.new("RGB", (16, 16), "teal")
Entry = tuple[int, int, int, int]


def png(*chunks: bytes) -> bytes:
    """A PNG of one pixel with more chunks before it."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
    )


def jpeg(*segments: bytes) -> bytes:
    """A JPEG with more segments before its own."""
    data = encoded(SMALL, "JPEG")
    return data[:2] + b"".join(segments) + data[2:]


def gif(before: bytes) -> bytes:
    """A GIF of one pixel, with something before its frame."""
    screen = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0)
    return screen + before + b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02D\x01\x00;"


def tags(*entries: Entry, big: bool = False, order: str = "<") -> bytes:
    """A TIFF of these tags alone, each with type, count and value or offset."""
    mark = b"II" if order == "<" else b"MM"
    packed = b"".join(struct.pack(order + ("HHQQ" if big else "HHII"), *entry) for entry in entries)
    if big:
        return mark + struct.pack(order + "HHHQQ", 43, 8, 0, 16, len(entries)) + packed + bytes(8)
    return mark + struct.pack(order + "HIH", 42, 8, len(entries)) + packed + bytes(4)


@pytest.mark.parametrize("kind", seeds())
def test_real_files_pass(kind: str) -> None:
    for data in seeds()[kind]:
        check_structure(data, kind)  # type: ignore[arg-type]  # they are the kinds
        assert min(decode(data, LIMITS).size) >= 64


@pytest.mark.parametrize(
    "data",
    [
        png(chunk(b"abCd", b"") * 130_000),
        png(chunk(b"tEXt", b"a\0b") * 90_000),
        jpeg(b"\xff\xe5\0\x02" * 90_000),
        jpeg(b"\xff" * 300_000),
        jpeg(b"\xff\xd0" * 300_000),
        gif(b"!\xfe" + b"\x02ab" * 150_000 + b"\0"),
        gif(b"!\xf9\0\0" * 150_000),
        gif(b"x" * 300_000),
    ],
    ids=["chunks", "texts", "segments", "fill bytes", "restart markers", "comments", "extensions", "junk"],
)
def test_too_many_pieces(data: bytes) -> None:
    with pytest.raises(ImageTooLargeError, match="more than 250,000 pieces"):
        decode(data, LIMITS)


def test_a_reader_that_has_had_enough() -> None:
    reader = BoundedReader(b"x" * MAX_READS)
    assert all(reader.read(1) == b"x" for _ in range(MAX_READS))
    with pytest.raises(ImageTooLargeError):
        reader.read()


def progressive(scans: int) -> bytes:
    """A JPEG whose last scan comes again until there are so many."""
    data = encoded(SMALL, "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * (scans - data.count(b"\xff\xda")) + data[-2:]


def test_scans() -> None:
    assert decode(progressive(MAX_SCANS), LIMITS).size == (16, 16)
    with pytest.raises(ImageTooLargeError, match="more than 100 scans"):
        decode(progressive(MAX_SCANS + 1), LIMITS)


def test_what_only_looks_like_scans() -> None:
    noise = b"\xff\xda" * 30_000
    behind = encoded(SMALL, "JPEG") + noise  # such as the video of a "live" photograph
    inside = jpeg(b"\xff\xe5" + struct.pack(">H", 2 + len(noise)) + noise)
    for data in (behind, inside):
        assert decode(data, LIMITS).size == (16, 16)


def test_segments_between_scans() -> None:
    data = progressive(MAX_SCANS)
    at = data.rindex(b"\xff\xda")
    with pytest.raises(ImageTooLargeError, match="pieces"):
        check_structure(data[:at] + b"\xff\xfe\0\x02" * MAX_READS + data[at:] + data[at:], "JPEG")


def test_exif_data_in_many_segments() -> None:
    part = b"\xff\xe1" + struct.pack(">H", 60_000) + b"Exif\0\0".ljust(59_998, b"\0")
    assert decode(jpeg(part * 17), LIMITS).size == (16, 16)
    with pytest.raises(ImageTooLargeError, match="more than 1,048,576 bytes of EXIF data"):
        decode(jpeg(part * 18), LIMITS)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_exif_data_in_one_piece(kind: str) -> None:
    for size, fits in ((2**20 - 100, True), (2**20 + 1, False)):
        data = encoded(SMALL, kind, exif=b"Exif\0\0" + tags().ljust(size, b"\0"))
        if fits:
            assert decode(data, LIMITS).size == (16, 16)
        else:
            with pytest.raises(ImageTooLargeError, match="EXIF"):
                decode(data, LIMITS)


def test_exif_data_as_text() -> None:
    check_exif(None, "0" * 2**20)
    with pytest.raises(ImageTooLargeError):
        check_exif(b"", "0" * (2**20 + 1))
    with pytest.raises(ImageTooLargeError, match="EXIF"):
        decode(png(chunk(b"tEXt", b"Raw profile type exif\0\nexif\n1\n" + b"00" * 2**20)), LIMITS)


def test_colour_profiles_that_inflate() -> None:
    profile = chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(2**20 - 1)))
    assert decode(png(profile * MAX_PROFILES), LIMITS).size == (1, 1)
    with pytest.raises(ImageTooLargeError, match="colour profiles"):
        decode(png(profile * (MAX_PROFILES + 1)), LIMITS)


@pytest.mark.parametrize(
    "made",
    [
        lambda: png(chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(2**24)))),
        lambda: png(chunk(b"iTXt", b"x\0\1\0\0\0" + zlib.compress(bytes(2**24)))),
        lambda: png(chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(2**20 - 1))) * 65),
    ],
    ids=["profile", "text", "texts"],
)
def test_metadata_that_inflate_beyond_what_pillow_allows(made: Callable[[], bytes]) -> None:
    with pytest.raises(InvalidImageError):
        decode(made(), LIMITS)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(
    ("entries", "fits"),
    [
        ([(273, 4, MAX_NUMBERS, 8)], True),
        ([(273, 4, MAX_NUMBERS + 1, 8)], False),
        ([(273, 4, MAX_NUMBERS // 2 + 1, 8), (279, 3, MAX_NUMBERS // 2, 8)], False),
        ([(282, 5, MAX_NUMBERS // 20, 8)], True),
        ([(282, 5, MAX_NUMBERS // 20 + 1, 8)], False),
        ([(700, 1, 2**31, 8), (34377, 7, 2**31, 8)], True),  # bytes stay bytes
        ([(34665, 4, 1, 2**31)], True),  # it leads nowhere
    ],
)
def test_numbers_in_the_tags_of_a_tiff(entries: list[Entry], fits: bool, big: bool, order: str) -> None:
    data = tags(*entries, big=big, order=order)
    if fits:
        check_structure(data, "TIFF")
    else:
        with pytest.raises(ImageTooLargeError, match="numbers in tags"):
            check_structure(data, "TIFF")


def test_directories_of_a_tiff() -> None:
    below = tags((282, 5, MAX_NUMBERS, 8))[8:]
    above = tags((34665, 4, 1, 0))
    with pytest.raises(ImageTooLargeError, match="numbers in tags"):
        check_structure(tags((34665, 4, 1, len(above))) + below, "TIFF")
    with pytest.raises(ImageTooLargeError, match="more than 8 directories"):
        check_structure(tags((34665, 4, 1, 8)), "TIFF")  # it leads to itself
    with pytest.raises(ImageTooLargeError, match="more than 8 directories"):
        check_structure(tags(*[(34853, 4, 1, 2**31)] * 9), "TIFF")


def test_pictures_of_a_tiff_that_follow_each_other_in_a_circle() -> None:
    data = encoded(SMALL, "TIFF", compression="raw")
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    after = start + 2 + 12 * count
    assert decode(data[:after] + struct.pack("<I", start) + data[after + 4 :], LIMITS).size == (16, 16)


def test_strips_of_a_tiff_beyond_its_pixels() -> None:
    fields = {256: [1], 257: [2], 258: [8], 259: [1], 262: [1], 277: [1], 278: [1]}
    assert decode(tiff(fields | {273: [8] * 5_000, 279: [1] * 5_000}, b"\1\2"), LIMITS).size == (2, 1)
    with pytest.raises(ImageTooLargeError):
        decode(tiff(fields | {273: [8] * 300_000, 279: [1]}, b"\1\2"), LIMITS)


def test_tiles_of_a_tiff_that_are_no_size() -> None:
    fields = {
        256: [16],
        257: [16],
        258: [8],
        259: [1],
        262: [1],
        277: [1],
        322: [16] * 1000,
        323: [2**31],
        324: [8],
        325: [256],
    }
    with pytest.raises(InvalidImageError):  # and no thousand times two billion numbers
        decode(tiff(fields, bytes(256)), LIMITS)


def test_exif_data_of_an_avif_are_looked_at_as_soon_as_it_is_opened() -> None:
    exif = tags((282, 1, 1_000_000, 26)).ljust(1_000_026, b"\1")
    data = bytearray(encoded(SMALL, "AVIF", exif=exif))
    check_structure(bytes(data), "AVIF")
    at = data.index(struct.pack(">HHI", 282, 1, 1_000_000)) if b"MM\0*" in data else data.index(exif[10:18])
    data[at : at + 8] = struct.pack(">HHI" if b"MM\0*" in data else "<HHI", 282, 5, 125_000)
    with pytest.raises(ImageTooLargeError, match="numbers in tags"):
        decode(bytes(data), LIMITS)
    with pytest.raises(ImageTooLargeError, match="directories"):
        check_structure(bytes(data) + b"II*\0" * 9, "AVIF")


@pytest.mark.parametrize("disposal", [0, 1, 2, 3])
def test_a_gif_whose_frame_is_larger_than_its_screen(disposal: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray(gif(b"!\xf9\4" + bytes([disposal << 2 | 1, 0, 0, 0, 0])))
    assert decode(bytes(data), LIMITS).size == (1, 1)
    frame = data.index(b",")
    data[frame + 5 : frame + 9] = b"\xff" * 4
    monkeypatch.setattr("PIL.Image.core.fill", lambda *_: pytest.fail("4 GB"))
    with pytest.raises(ImageTooLargeError, match="65535 × 65535"):
        decode(bytes(data), LIMITS)


@pytest.mark.parametrize("animated", [False, True])
def test_the_canvas_of_a_webp_is_read_before_it_is_made(animated: bool) -> None:
    options: dict[str, Any] = {"save_all": True, "append_images": [Image.new("RGB", (16, 16))]} if animated else {}
    data = bytearray(encoded(SMALL, "WEBP", exif=tags(), **options))
    assert decode(bytes(data), LIMITS).size == (16, 16)
    data[24:30] = (16_384 - 1).to_bytes(3, "little") * 2
    with pytest.raises(ImageTooLargeError, match="16384 × 16384"):
        decode(bytes(data), LIMITS)


def test_run_lengths_of_a_bmp() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    data = bytearray(run_lengths(grey))
    assert decode(bytes(data), LIMITS).size == (3, 4)
    data[18:26] = struct.pack("<II", 25_000_000, 1)  # 25 million pixels from 1,100 bytes, a third of a minute
    with pytest.raises(ImageTooLargeError, match="more than the 1,048,576 allowed"):
        decode(bytes(data), LIMITS)
