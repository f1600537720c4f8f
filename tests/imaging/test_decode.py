import random
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2
from skimage.data import chelsea

from app.core.errors import (
    EmptyImageError,
    ImageTooLargeError,
    InvalidImageError,
    OverloadedError,
    SegserveError,
    UnsupportedImageError,
)
from app.imaging.decode import DecodeLimits, Picture, decode
from app.imaging.geometry import Geometry, resize_picture

LIMITS = DecodeLimits(max_bytes=1_000_000, max_pixels=2_000_000)
CAT: NDArray[np.uint8] = chelsea()  # type: ignore[no-untyped-call]  # scikit-image has no types
UPRIGHT = CAT[60:124, 90:186].copy()  # (64, 96, 3)
SIDES = {  # EXIF 2.32, 4.6.4 A, tag 274: where the 0th row and the 0th column of the file are in the picture
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def photograph(file_format: str, **options: object) -> bytes:
    return encoded(Image.fromarray(UPRIGHT), file_format, **options)


def stored_as(orientation: int) -> Image.Image:
    """The photograph as a camera held that way writes its pixels."""
    row, column = SIDES[orientation]
    pixels = UPRIGHT if row in ("top", "bottom") else UPRIGHT.swapaxes(0, 1)
    pixels = pixels[::-1] if row in ("bottom", "right") else pixels
    pixels = pixels[:, ::-1] if column in ("bottom", "right") else pixels
    return Image.fromarray(np.ascontiguousarray(pixels))


def exif(orientation: object) -> bytes:
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = orientation
    return tags.tobytes()


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG by hand, chunk by chunk."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    everything = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in everything
    )


def lossless() -> dict[str, bytes]:
    return {
        "PNG": photograph("PNG"),
        "BMP": photograph("BMP"),
        "TIFF": photograph("TIFF", compression="tiff_lzw"),
        "WEBP": photograph("WEBP", lossless=True),
    }


def lossy() -> dict[str, bytes]:
    second = Image.fromarray(255 - UPRIGHT)
    return {
        "JPEG": photograph("JPEG", quality=95),
        "MPO": photograph("MPO", quality=95, save_all=True, append_images=[second]),
        "AVIF": photograph("AVIF", quality=95),
        "GIF": photograph("GIF", save_all=True, append_images=[second]),
    }


@pytest.mark.parametrize("kind", lossless())
def test_lossless_kinds(kind: str) -> None:
    picture = decode(lossless()[kind], LIMITS)
    assert (picture.kind, picture.size, picture.pixels.dtype.name) == (kind, (64, 96), "uint8")
    np.testing.assert_array_equal(picture.pixels, UPRIGHT)


@pytest.mark.parametrize("kind", lossy())
def test_lossy_kinds_and_first_frames(kind: str) -> None:
    picture = decode(lossy()[kind], LIMITS)
    assert (picture.kind, picture.size) == (kind, (64, 96))
    assert np.abs(picture.pixels.astype(int) - UPRIGHT).mean() < 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "WEBP", "JPEG", "AVIF"])
def test_orientation_is_applied(file_format: str, orientation: int) -> None:
    options = {"lossless": True} if file_format == "WEBP" else {"quality": 95}
    data = encoded(stored_as(orientation), file_format, exif=exif(orientation), **options)
    picture = decode(data, LIMITS)
    assert picture.size == (64, 96) == picture.pixels.shape[:2]
    assert np.abs(picture.pixels.astype(int) - UPRIGHT).mean() < 4


@pytest.mark.parametrize("compression", ["raw", "tiff_adobe_deflate", "jpeg"])
def test_orientation_of_compressed_tiff(compression: str) -> None:
    tags = {int(ExifTags.Base.Orientation): 6}
    picture = decode(encoded(stored_as(6), "TIFF", compression=compression, tiffinfo=tags), LIMITS)
    assert picture.size == (64, 96)
    assert np.abs(picture.pixels.astype(int) - UPRIGHT).mean() < 4


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "WEBP", "JPEG", "AVIF"])
def test_orientation_that_only_xmp_tells(file_format: str, orientation: int) -> None:
    xmp = f'<rdf:Description tiff:Orientation="{orientation}"/>'
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", xmp)
    tags = ImageFileDirectory_v2()
    tags.tagtype[700] = 1
    tags[700] = xmp.encode()
    options: dict[str, object] = {"xmp": xmp.encode(), "pnginfo": text, "lossless": True}
    if file_format == "TIFF":
        options = {"tiffinfo": tags}
    picture = decode(encoded(stored_as(orientation), file_format, **options), LIMITS)
    assert picture.size == (64, 96) == picture.pixels.shape[:2]
    assert np.abs(picture.pixels.astype(int) - UPRIGHT).mean() < 6


@pytest.mark.parametrize("data", [exif(0), exif(9), b"Exif\0\0II*\0\x08\0\0\0\xff", b"Exif\0\0nonsense", b"Exif\0\0"])
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # Pillow warns of broken metadata and reads on
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_broken_metadata_do_not_matter(file_format: str, data: bytes) -> None:
    assert decode(photograph(file_format, exif=data), LIMITS).size == (64, 96)


@pytest.mark.parametrize(
    ("at_least", "shape"),
    [
        ((390, 100), (400, 300)),
        ((401, 100), (800, 600)),
        ((100, 301), (800, 600)),
        ((10, 10), (200, 150)),
        ((1601, 9), (1600, 1200)),
    ],
)
def test_jpeg_is_reduced_to_what_is_enough(at_least: tuple[int, int], shape: tuple[int, int]) -> None:
    data = encoded(Image.fromarray(UPRIGHT).resize((1600, 1200)), "JPEG", exif=exif(6))
    picture = decode(data, LIMITS, lambda size: at_least)
    assert picture.size == (1600, 1200)
    assert picture.pixels.shape[:2] == shape


@pytest.mark.parametrize("kind", ["JPEG", "MPO"])
def test_reduced_picture_lies_where_the_whole_one_does(kind: str) -> None:
    data = encoded(Image.fromarray(UPRIGHT).resize((1203, 805)), kind, quality=95)
    reduced, whole = decode(data, LIMITS, lambda size: (64, 64)), decode(data, LIMITS)
    assert reduced.pixels.shape[:2] == (101, 151)
    geometry = Geometry(whole.size, (64, 64), "letterbox")
    difference = resize_picture(reduced.pixels, geometry).astype(int) - resize_picture(whole.pixels, geometry)
    assert np.abs(difference).mean() < 1.5


def test_other_kinds_are_not_reduced() -> None:
    assert decode(photograph("PNG"), LIMITS, lambda size: (8, 8)).pixels.shape == (64, 96, 3)


def test_jpeg_of_cmyk_is_adobes_inverted_one() -> None:
    red = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    pixels = decode(encoded(red, "JPEG", quality=95), LIMITS).pixels
    assert np.abs(pixels.astype(int) - (255, 0, 0)).max() <= 3


def test_jpeg_of_ycck() -> None:
    wanted = np.array([200, 30, 60])
    luma_chroma = Image.new("RGB", (1, 1), tuple((255 - wanted).tolist())).convert("YCbCr").getpixel((0, 0))
    assert isinstance(luma_chroma, tuple)
    y, cb, cr = (255 - int(value) for value in luma_chroma)
    data = encoded(Image.new("CMYK", (8, 8), (y, cb, cr, 0)), "JPEG", quality=95)
    marker = data.index(b"Adobe") + 11  # the transform flag: 0 is CMYK, 2 is YCCK
    data = data[:marker] + b"\x02" + data[marker + 1 :]
    assert np.abs(decode(data, LIMITS).pixels.astype(int) - wanted).max() <= 4


def test_png_of_2_bits_with_a_transparent_grey() -> None:
    data = png(4, 1, 2, 0, b"\0\x1b", (b"tRNS", b"\0\x02"))
    assert decode(data, LIMITS).pixels[0, :, 0].tolist() == [0, 85, 255, 255]


def test_png_of_16_bits_rgb_with_a_transparent_colour() -> None:
    data = png(2, 1, 16, 2, b"\0" + bytes(range(1, 13)), (b"tRNS", bytes(range(1, 7))))
    assert decode(data, LIMITS).pixels.tolist() == [[[255, 255, 255], [7, 9, 11]]]


@pytest.mark.parametrize("size", [(1, 1), (1, 65_000), (65_000, 1)])
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "BMP", "GIF"])
def test_one_pixel_and_very_long_pictures(file_format: str, size: tuple[int, int]) -> None:
    data = encoded(Image.new("RGB", size, (200, 60, 20)), file_format)
    picture = decode(data, LIMITS, lambda size: (160, 160))
    assert picture.size == (size[1], size[0])
    assert np.abs(picture.pixels[-1, -1].astype(int) - (200, 60, 20)).max() <= 3


def test_empty() -> None:
    with pytest.raises(EmptyImageError):
        decode(b"", LIMITS)


def test_too_many_bytes() -> None:
    data = photograph("PNG")
    assert decode(data, DecodeLimits(len(data), 10**6)).size == (64, 96)
    with pytest.raises(ImageTooLargeError, match=f"{len(data):,} bytes are more than the {len(data) - 1:,} allowed"):
        decode(data, DecodeLimits(len(data) - 1, 10**6))


@pytest.mark.parametrize("data", [*lossless().values(), *lossy().values()])
def test_too_many_pixels(data: bytes) -> None:
    assert decode(data, DecodeLimits(10**6, 6144)).size == (64, 96)
    with pytest.raises(ImageTooLargeError, match=r"96 × 64 = 6,144 pixels are more than the 6,143 allowed"):
        decode(data, DecodeLimits(10**6, 6143))


def test_pixels_are_counted_from_the_header() -> None:
    with pytest.raises(ImageTooLargeError, match="400,000,000 pixels"):
        decode(png(20_000, 20_000, 1, 0, b""), LIMITS)


def test_pillows_own_limit_plays_no_part() -> None:
    with pytest.raises(InvalidImageError) as raised:
        decode(png(20_000, 20_000, 1, 0, b"\0"), DecodeLimits(10**6, 10**9))
    assert isinstance(raised.value.__cause__, OSError)
    assert "truncated" in str(raised.value.__cause__)


def test_more_pixels_than_memory() -> None:
    with pytest.raises(MemoryError):
        decode(png(2**31 - 1, 2**31 - 1, 1, 0, b"\0"), DecodeLimits(10**6, 2**62))


def test_tiff_with_giant_tiles() -> None:
    fields = {256: 16, 257: 16, 258: 8, 259: 8, 262: 1, 277: 1, 322: 65_520, 323: 65_520, 324: 134, 325: 64}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in fields.items())
    data = b"II*\0\x08\0\0\0" + struct.pack("<H", len(fields)) + entries + bytes(4) + zlib.compress(bytes(4096))
    with pytest.raises(ImageTooLargeError, match="65520 × 65520"):
        decode(data, LIMITS)


@pytest.mark.parametrize("compression", ["group3", "group4"])
def test_fax_is_unsupported(compression: str) -> None:
    data = encoded(Image.new("1", (16, 16)), "TIFF", compression=compression)
    with pytest.raises(UnsupportedImageError, match="fax"):
        decode(data, LIMITS)


def test_text_chunk_that_expands_without_bound() -> None:
    bomb = b"Comment\0\0" + zlib.compress(bytes(100_000_000), 9)
    with pytest.raises(InvalidImageError):
        decode(png(2, 1, 8, 0, b"\0\1\2", (b"zTXt", bomb)), LIMITS)


@pytest.mark.parametrize("kind", [*lossless(), *lossy()])
def test_every_truncation_is_told_or_loses_no_pixel(kind: str) -> None:
    data = {**lossless(), **lossy()}[kind]
    whole = decode(data, LIMITS).pixels
    refused = 0
    for length in [*range(12, 60), *np.linspace(60, len(data) - 1, 60).astype(int).tolist()]:
        try:
            picture = decode(data[:length], LIMITS)
        except (InvalidImageError, UnsupportedImageError):
            refused += 1
        else:
            np.testing.assert_array_equal(picture.pixels, whole)
    assert refused >= 48
    with pytest.raises(InvalidImageError, match=f"starts as {'JPEG' if kind == 'MPO' else kind}"):
        decode(data[: len(data) // 3], LIMITS)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("kind", [*lossless(), *lossy()])
def test_damage_is_a_typed_error_or_a_picture(kind: str) -> None:
    data = {**lossless(), **lossy()}[kind]
    chance = random.Random(kind)
    outcomes = []
    for _ in range(150):
        damaged = bytearray(data)
        for _ in range(chance.choice((1, 2, 20))):
            damaged[chance.randrange(chance.choice((len(data), 200)))] = chance.randrange(256)
        outcomes.append(outcome(bytes(damaged)))
    assert InvalidImageError in outcomes


def outcome(data: bytes) -> type[Picture | SegserveError]:
    try:
        picture = decode(data, LIMITS, lambda size: (16, 16))
    except SegserveError as error:
        return type(error)
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.shape[2:] == (3,)
    return Picture


def test_threads_do_not_disturb_each_other() -> None:
    files = [*lossless().values(), *lossy().values()] * 6
    alone = [decode(data, LIMITS).pixels for data in files[:8]]
    with ThreadPoolExecutor(8) as pool:
        together = [picture.pixels for picture in pool.map(lambda data: decode(data, LIMITS), files)]
    for number, pixels in enumerate(together):
        np.testing.assert_array_equal(pixels, alone[number % 8])


def test_nothing_is_opened_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [*lossless().values(), *lossy().values()]
    sizes = {decode(data, LIMITS).size for data in files}  # imports what Pillow imports late

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError(f"opened {arguments}")

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("os.open", refuse)
    assert {decode(data, LIMITS).size for data in files} == sizes


def test_the_plan_is_asked_before_the_first_pixel() -> None:
    asked: list[tuple[int, int]] = []

    def refuse(size: tuple[int, int]) -> None:
        asked.append(size)
        raise OverloadedError("not now")

    data = encoded(Image.fromarray(UPRIGHT), "JPEG", exif=exif(6))
    for cut in (data, data[: len(data) // 2]):
        with pytest.raises(OverloadedError):
            decode(cut, LIMITS, refuse)
    assert asked == [(UPRIGHT.shape[1], UPRIGHT.shape[0])] * 2
