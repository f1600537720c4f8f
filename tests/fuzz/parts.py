"""Files taken apart into what they are made of, changed there, and put together as if nothing had happened."""

import random
import struct
import zlib
from collections.abc import Callable

Draw = random.Random
Change = Callable[[bytes, Draw], bytes]

SIZES = (
    0,
    1,
    2,
    3,
    7,
    8,
    9,
    31,
    63,
    64,
    65,
    95,
    97,
    255,
    256,
    1000,
    1001,
    16_383,
    16_384,
    65_535,
    2**24,
    2**31 - 1,
    2**32 - 1,
)
"""Sides of pictures, and lengths of whatever has one."""


def _rearranged(pieces: list[bytes], draw: Draw) -> list[bytes]:
    """One of them is dropped, doubled, swapped with another or changed inside."""
    pieces = list(pieces)
    if not pieces:
        return pieces
    at = draw.randrange(len(pieces))
    action = draw.randrange(4)
    if action == 0:
        del pieces[at]
    elif action == 1:
        pieces[at:at] = [pieces[at]] * draw.choice((1, 1, 3, 40))
    elif action == 2:
        other = draw.randrange(len(pieces))
        pieces[at], pieces[other] = pieces[other], pieces[at]
    else:
        pieces[at] = _touched(pieces[at], draw)
    return pieces


def _touched(piece: bytes, draw: Draw) -> bytes:
    """Some bytes of it are others."""
    changed = bytearray(piece)
    for _ in range(draw.randint(1, 3) if piece else 0):
        changed[draw.randrange(min(len(piece), 32))] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
    return bytes(changed)


# PNG ----------------------------------------------------------------------------------------------


def png_chunks(file: bytes, draw: Draw) -> bytes:
    """Chunks rearranged or changed, mostly with the checksum that belongs to them, sometimes with a wrong length."""
    chunks, position = [], 8
    while position + 12 <= len(file):
        length = int.from_bytes(file[position : position + 4], "big")
        chunks.append(file[position + 4 : position + 8 + length])
        position += 12 + length
    if draw.random() < 0.3 and chunks:
        size = struct.pack(">II", draw.choice(SIZES), draw.choice(SIZES))
        chunks[0] = chunks[0][:4] + size + bytes([draw.choice((1, 2, 4, 8, 16)), draw.choice((0, 2, 3, 4, 6)), 0, 0, 1])
    written = file[:8]
    for each in _rearranged(chunks, draw):
        checksum = zlib.crc32(each) if draw.random() < 0.97 else 0
        length = max(0, len(each) - 4) if draw.random() < 0.98 else draw.choice(SIZES)
        written += struct.pack(">I", length) + each + struct.pack(">I", checksum)
    return written


# JPEG ---------------------------------------------------------------------------------------------


def jpeg_segments(file: bytes, draw: Draw) -> bytes:
    """Segments before the first scan rearranged or changed, with lengths that fit, or one that doesn't."""
    segments, position = [], 2
    while file[position : position + 1] == b"\xff" and file[position + 1 : position + 2] != b"\xda":
        length = int.from_bytes(file[position + 2 : position + 4], "big")
        segments.append(file[position + 1 : position + 2] + file[position + 4 : position + 2 + length])
        position += 2 + max(2, length)
    written = file[:2]
    for each in _rearranged(segments, draw):
        length = len(each) + 1 if draw.random() < 0.98 else draw.choice(SIZES)
        written += b"\xff" + each[:1] + struct.pack(">H", length & 0xFFFF) + each[1:]
    return written + file[position:]


def jpeg_frame(file: bytes, draw: Draw) -> bytes:
    """Another size, number of components, sampling or process in the header of the frame."""
    for process in (0xC0, 0xC1, 0xC2):
        at = file.find(bytes([0xFF, process]))
        if at >= 0:
            changed = bytearray(file.ljust(at + 20, b"\0"))
            changed[at + 1] = draw.choice((0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA, process, process))
            place = at + draw.choice((5, 7))
            changed[place : place + 2] = struct.pack(">H", draw.choice(SIZES) & 0xFFFF)
            if draw.random() < 0.5:
                changed[at + draw.randint(9, 18)] = draw.choice((0, 1, 2, 3, 4, 0x11, 0x14, 0x21, 0x22, 0x44, 0xFF))
            return bytes(changed)
    return file


def jpeg_scans(file: bytes, draw: Draw) -> bytes:
    """From one of its scans on it all comes again, many times."""
    at = file.rfind(b"\xff\xda") if draw.random() < 0.5 else file.find(b"\xff\xda")
    return file[:at] + file[at:-2] * draw.choice((1, 2, 9, 120)) + file[-2:] if at > 0 else file


# TIFF ---------------------------------------------------------------------------------------------


def tiff_entry(file: bytes, draw: Draw) -> bytes:
    """A tag, its type, its count or its value is another; the directory may be its own successor."""
    order, big = "<" if file[:2] == b"II" else ">", b"+" in file[2:4]
    try:
        (start,) = struct.unpack_from(f"{order}Q", file, 8) if big else struct.unpack_from(f"{order}I", file, 4)
        (count,) = struct.unpack_from(f"{order}Q" if big else f"{order}H", file, start)
    except struct.error:
        return file
    head, size = (8, 20) if big else (2, 12)
    count = min(count, 200)
    changed = bytearray(file)
    if draw.random() < 0.1:
        after = start + head + count * size
        changed[after : after + (8 if big else 4)] = struct.pack(f"{order}Q" if big else f"{order}I", start)
        return bytes(changed)
    at = start + head + draw.randrange(max(1, count)) * size
    field, width, values = draw.choice(
        [
            (
                0,
                2,
                (
                    254,
                    256,
                    257,
                    258,
                    259,
                    262,
                    273,
                    274,
                    277,
                    278,
                    279,
                    284,
                    317,
                    320,
                    322,
                    323,
                    324,
                    338,
                    339,
                    34665,
                    700,
                ),
            ),
            (2, 2, tuple(range(20))),
            (4, 8 if big else 4, SIZES),
            *[(12 if big else 8, 8 if big else 4, (*range(8), *SIZES, start, len(file)))] * 3,
        ]
    )
    changed[at + field : at + field + width] = draw.choice(values).to_bytes(width, "little" if order == "<" else "big")
    return bytes(changed)


# WebP ---------------------------------------------------------------------------------------------


def riff_chunks(file: bytes, draw: Draw) -> bytes:
    """Chunks rearranged or changed, with sizes that fit, or one that doesn't; another canvas."""
    chunks, position = [], 12
    while position + 8 <= len(file):
        size = int.from_bytes(file[position + 4 : position + 8], "little")
        chunks.append(file[position : position + 4] + file[position + 8 : position + 8 + size])
        position += 8 + size + size % 2
    if draw.random() < 0.3 and chunks and chunks[0].startswith(b"VP8X"):
        sides = b"".join((draw.choice(SIZES) & 0xFFFFFF).to_bytes(3, "little") for _ in range(2))
        chunks[0] = b"VP8X" + bytes([draw.randrange(256), 0, 0, 0]) + sides
    written = b""
    for each in _rearranged(chunks, draw):
        size = max(0, len(each) - 4) if draw.random() < 0.98 else draw.choice(SIZES)
        written += each[:4] + struct.pack("<I", size) + each[4:] + bytes(len(each) % 2)
    total = 4 + len(written) if draw.random() < 0.95 else draw.choice(SIZES)
    return b"RIFF" + struct.pack("<I", total) + b"WEBP" + written


# AVIF ---------------------------------------------------------------------------------------------


def boxes(file: bytes, draw: Draw) -> bytes:
    """Boxes at the top, or those in `meta`, rearranged or changed, with sizes that fit, or one that doesn't."""
    top = _boxes(file)
    if draw.random() < 0.7:
        for number, box in enumerate(top):
            if box[4:8] == b"meta":
                inside = box[:12] + b"".join(_resized(each, draw) for each in _rearranged(_boxes(box[12:]), draw))
                top[number] = struct.pack(">I", len(inside)) + inside[4:]
        return b"".join(top)
    return b"".join(_resized(each, draw) for each in _rearranged(top, draw))


def _boxes(data: bytes) -> list[bytes]:
    found, position = [], 0
    while position + 8 <= len(data):
        size = max(8, int.from_bytes(data[position : position + 4], "big"))
        found.append(data[position : position + size])
        position += size
    return found


def _resized(box: bytes, draw: Draw) -> bytes:
    return (struct.pack(">I", draw.choice(SIZES)) if draw.random() < 0.02 else box[:4]) + box[4:]


CHANGES: dict[str, tuple[Change, ...]] = {
    "PNG": (png_chunks,),
    "JPEG": (jpeg_segments, jpeg_frame, jpeg_scans),
    "TIFF": (tiff_entry,),
    "WEBP": (riff_chunks,),
    "AVIF": (boxes,),
}
"""What is made of a kind by its structure; of the simple ones a number in the head is as good."""
