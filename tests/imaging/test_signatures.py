import pytest

from app.core.errors import InvalidImageError, UnsupportedImageError
from app.imaging.signatures import recognise


def media(major: bytes, *compatible: bytes) -> bytes:
    brands = major + b"\0\0\0\0" + b"".join(compatible)
    return (8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands + b"\0\0\0\x20meta"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "WEBP"),
        (b"BM\x46\0\0\0", "BMP"),
        (b"II*\0\x08\0\0\0", "TIFF"),
        (b"MM\0*\0\0\0\x08", "TIFF"),
        (b"MM\0+\0\x08\0\0", "TIFF"),
        (b"GIF87a", "GIF"),
        (b"GIF89a", "GIF"),
        (media(b"avif", b"mif1", b"miaf"), "AVIF"),
        (media(b"avis", b"msf1"), "AVIF"),
        (media(b"mif1", b"avif"), "AVIF"),
    ],
)
def test_decoded_kinds(data: bytes, kind: str) -> None:
    assert recognise(data) == kind


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"hevc", b"mif1", b"msf1"])
def test_heic_is_named_with_the_remedy(brand: bytes) -> None:
    with pytest.raises(UnsupportedImageError, match=r"HEIC.*convert it to JPEG or PNG.*decoded are JPEG.*and AVIF"):
        recognise(media(brand, b"mif1", b"heic"))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"%PDF-1.7", "PDF"),
        (b"8BPS\0\x01", "PSD"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\xff\x4f\xff\x51", "JPEG 2000"),
        (b"\xff\x0a\xfa", "JPEG XL"),
        (b"\0\0\1\0\1\0", "ICO"),
        (b"P6\n3 2\n255\n", "Netpbm"),
        (b"\0" * 128 + b"DICM", "DICOM"),
        (media(b"isom", b"mp41"), "MP4"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\xef\xbb\xbf\n<?xml version='1.0'?>\n<!-- a drawing -->\n<SVG/>", "SVG"),
    ],
)
def test_other_kinds_are_named_with_what_is_decoded(data: bytes, name: str) -> None:
    with pytest.raises(UnsupportedImageError, match=rf"{name}.*decoded are JPEG, PNG, WEBP, BMP, TIFF, GIF and AVIF"):
        recognise(data)


@pytest.mark.parametrize("data", [b"hello", b"\0", b"<html><svg></html>", b"RIFF\0\0\0\0WAVE", b"\xff\xd8", b"<?xml?>"])
def test_no_picture(data: bytes) -> None:
    with pytest.raises(InvalidImageError, match="not a known kind"):
        recognise(data)


@pytest.mark.parametrize("data", [b"data:image/png;base64,iVBO", b"/9j/4AAQSkZJRg", b"iVBORw0KGgoAAAANSUhEUg"])
def test_base64_is_told_apart(data: bytes) -> None:
    with pytest.raises(InvalidImageError, match="base64"):
        recognise(data)
