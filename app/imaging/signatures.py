"""What kind of file some bytes are, by their signature, never by a name or a declared type."""

from typing import Literal, get_args

from app.core.errors import InvalidImageError, UnsupportedImageError

Kind = Literal["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF"]
"""Kinds that are decoded, by Pillow's names; an MPO starts as a JPEG."""

DECODED = f"decoded are {', '.join(get_args(Kind)[:-1])} and {get_args(Kind)[-1]}"

_DECODED: tuple[tuple[Kind, bytes], ...] = (
    ("JPEG", b"\xff\xd8\xff"),
    ("PNG", b"\x89PNG\r\n\x1a\n"),
    ("GIF", b"GIF87a"),
    ("GIF", b"GIF89a"),
    ("BMP", b"BM"),
    ("TIFF", b"II*\0"),
    ("TIFF", b"MM\0*"),
    ("TIFF", b"II+\0"),  # BigTIFF
    ("TIFF", b"MM\0+"),
)

_UNSUPPORTED: tuple[tuple[str, bytes], ...] = (
    ("PDF", b"%PDF-"),
    ("PostScript", b"%!PS"),
    ("EPS", b"\xc5\xd0\xd3\xc6"),
    ("Photoshop (PSD)", b"8BPS"),
    ("GIMP (XCF)", b"gimp xcf"),
    ("JPEG 2000", b"\0\0\0\x0cjP  \r\n\x87\n"),
    ("JPEG 2000", b"\xff\x4f\xff\x51"),
    ("JPEG XL", b"\0\0\0\x0cJXL \r\n\x87\n"),
    ("JPEG XL", b"\xff\x0a"),
    ("JPEG XR", b"II\xbc\x01"),
    ("Windows icon (ICO)", b"\0\0\1\0"),
    ("Windows cursor (CUR)", b"\0\0\2\0"),
    ("Apple icon (ICNS)", b"icns"),
    ("OpenEXR", b"v/1\x01"),
    ("Radiance HDR", b"#?RADIANCE"),
    ("DirectDraw surface (DDS)", b"DDS "),
    ("QOI", b"qoif"),
    ("FITS", b"SIMPLE  ="),
    ("Windows metafile (WMF)", b"\xd7\xcd\xc6\x9a"),
    *(("Netpbm", b"P%d\n" % digit) for digit in range(1, 8)),
    ("Matroska or WebM video", b"\x1a\x45\xdf\xa3"),
    ("ZIP archive", b"PK\x03\x04"),
    ("gzip archive", b"\x1f\x8b\x08"),
)

_BASE64 = (b"data:", b"/9j/", b"iVBORw0KGgo", b"R0lGOD", b"UklGR")
_AVIF = {b"avif", b"avis"}
_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1"}


def recognise(data: bytes) -> Kind:
    """The kind of a file, from its first bytes.

    Raises:
        UnsupportedImageError: a known kind that is not decoded; the message names it and what is.
        InvalidImageError: no known kind.
    """
    for kind, signature in _DECODED:
        if data.startswith(signature):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        return _recognise_media(data)
    for name, signature in _UNSUPPORTED:
        if data.startswith(signature):
            raise UnsupportedImageError(f"{name} is not decoded here; {DECODED}")
    if data[128:132] == b"DICM":
        raise UnsupportedImageError(f"DICOM is not decoded here; {DECODED}")
    if _is_svg(data):
        raise UnsupportedImageError(f"SVG is a drawing, not pixels: export it as PNG; {DECODED}")
    if data.startswith(_BASE64):
        raise InvalidImageError("this is a picture as base64 text: send the bytes themselves")
    raise InvalidImageError(f"the bytes are not a known kind of picture; {DECODED}")


def _recognise_media(data: bytes) -> Kind:
    """AVIF, or the name of what else is in an ISO base media file (ISO/IEC 14496-12, 4.3: the file type box)."""
    length = min(int.from_bytes(data[:4], "big"), 256)
    box = data[8:12] + data[16:length]  # major brand and compatible brands; between them the minor version
    brands = {box[start : start + 4] for start in range(0, len(box), 4)}
    if brands & _AVIF:
        return "AVIF"
    if brands & _HEIF:
        remedy = "convert it to JPEG or PNG, or let the camera save JPEG (iPhone: Camera, Formats, Most Compatible)"
        raise UnsupportedImageError(f"HEIC/HEIF is not decoded here: {remedy}; {DECODED}")
    raise UnsupportedImageError(f"MP4, QuickTime and the like are not decoded here; {DECODED}")


def _is_svg(data: bytes) -> bool:
    head = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return head.startswith(b"<svg") or (head.startswith((b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in head)
