"""Bounds on what a file is made of, beside its bytes and pixels.

Those alone do not bound the work. What Pillow reads piece by piece (segments, chunks, tags, runs) it handles in Python,
a thousand times as slowly as pixels; and a few kilobytes of scans send a JPEG decoder over all its blocks again and
again. Real files stay far below each of these bounds.
"""

import io
import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from app.core.errors import ImageTooLargeError
from app.imaging.signatures import Kind

MAX_READS = 250_000
"""Pieces of a file: 20 MB of PNG in chunks of 512 bytes have 160,000."""
MAX_SCANS = 100
"""Of a JPEG; encoders write about ten."""
MAX_EXIF = 2**20
"""Bytes; cameras write 64 KB, with a thumbnail and their own notes."""
MAX_PROFILES = 16
"""Of a PNG, each inflated to a megabyte; there should be one."""
MAX_NUMBERS = 250_000
"""In tags: a TIFF of 25 megapixels in tiles of 16×16 has 200,000."""
MAX_DIRECTORIES = 8
"""Of tags; a picture has four."""
MAX_RUN_LENGTH_PIXELS = 2**20
"""Of a BMP with run lengths: Pillow puts it together pixel by pixel."""

_TIFF_HEADER = re.compile(rb"II[*+]\0|MM\0[*+]")
_EXIF = re.compile(rb"\xff\xe1(..)Exif\0\0", re.DOTALL)
_MARKER = re.compile(rb"\xff[\x02-\xcf\xd8-\xfe]")
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_COSTS = {**dict.fromkeys((3, 4, 6, 8, 9, 11, 12, 13, 16), 1), 5: 20, 10: 20}
"""Of a number by its type: each becomes a Python object, a rational a slow one. What is of another type stays bytes."""
_DIRECTORIES = {34665, 34853, 40965}
"""Tags that lead to another directory: Exif, GPS, interoperability."""


class _Layout(NamedTuple):
    """How the numbers of a TIFF are stored."""

    header: int
    offset: str
    entries: str
    entry: str


_SMALL, _BIG = _Layout(4, "=I", "H", "HHII"), _Layout(8, "=Q", "Q", "HHQQ")


class BoundedReader(io.BytesIO):
    """A file in memory that is read a bounded number of times.

    Args:
        data: its bytes.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes.

        Raises:
            ImageTooLargeError: read too many times.
        """
        self._reads += 1
        _check(self._reads, MAX_READS, "pieces")
        return super().read(size)


def check_structure(data: bytes, kind: Kind) -> None:
    """Passes files that are made as real ones are, and broken ones: whoever decodes them will say so.

    Raises:
        ImageTooLargeError: it says of what there is too much.
    """
    if kind == "JPEG":
        _check(sum(int.from_bytes(length, "big") for length in _EXIF.findall(data)), MAX_EXIF, "bytes of EXIF data")
        # This is quick; a video behind the picture may hold some of them by chance.
        if data.count(b"\xff\xda") > MAX_SCANS:
            _check_scans(data)
    elif kind == "PNG":
        _check(data.count(b"iCCP"), MAX_PROFILES, "colour profiles")
    elif kind == "TIFF":
        _check_tags(data)
    elif kind == "AVIF":  # its EXIF data are read and written anew as soon as it is opened, wherever they stand
        headers = [match.start() for match in _TIFF_HEADER.finditer(data)]
        _check(len(headers), MAX_DIRECTORIES, "directories")
        for header in headers:
            _check_tags(data, header)


def check_exif(*blocks: bytes | str | None) -> None:
    """Passes EXIF data, raw or as text, that a camera could have written.

    Raises:
        ImageTooLargeError: there are too many of them.
    """
    _check(sum(len(block or b"") for block in blocks), MAX_EXIF, "bytes of EXIF data")


def _check(count: int, limit: int, what: str) -> None:
    if count > limit:
        raise ImageTooLargeError(f"the file is made of more than {limit:,} {what}")


def _check_scans(data: bytes) -> None:
    """Goes from marker to marker, as a decoder does (ITU-T T.81, annex B)."""
    scans = segments = 0
    position = 2
    while (match := _MARKER.search(data, position)) and match[0][1] != _EOI:
        marker, position = match[0][1], match.end()
        scans, segments = scans + (marker == _SOS), segments + 1
        _check(scans, MAX_SCANS, "scans")
        _check(segments, MAX_READS, "pieces")
        if marker != _SOI:
            position += int.from_bytes(data[position : position + 2], "big")


def _check_tags(data: bytes, header: int = 0) -> None:
    """Of the first directory of a TIFF or BigTIFF, and of those that it leads to (TIFF 6.0, section 2).

    Args:
        data: a file that holds it.
        header: where it begins.
    """
    order = "<" if data.startswith(b"II", header) else ">"
    layout = _BIG if b"+" in data[header + 2 : header + 4] else _SMALL
    found = data[header + layout.header :][: struct.calcsize(layout.offset)]
    directories = [int.from_bytes(found, "little" if order == "<" else "big")]
    visited = cost = 0
    while directories:
        visited += 1
        _check(visited, MAX_DIRECTORIES, "directories")
        for tag, kind, count, value in _entries(data, header + directories.pop(), order, layout):
            cost += count * _COSTS.get(kind, 0)
            _check(cost, MAX_NUMBERS, "numbers in tags")
            if tag in _DIRECTORIES:
                directories.append(value)


def _entries(data: bytes, start: int, order: str, layout: _Layout) -> Iterator[tuple[int, int, int, int]]:
    """Tag, type, count and value or offset of each, until the file ends."""
    try:
        (count,) = struct.unpack_from(order + layout.entries, data, start)
        start += struct.calcsize(order + layout.entries)
        size = struct.calcsize(order + layout.entry)
        for number in range(min(count, MAX_READS)):
            yield struct.unpack_from(order + layout.entry, data, start + number * size)
    except (struct.error, OverflowError):
        return
