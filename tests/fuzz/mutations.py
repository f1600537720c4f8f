"""Files that are almost right: what an attacker, a bad disk or a bad encoder makes of them.

Everything is drawn from the generator that is passed in: the same one makes the same file.
"""

import random
import struct
from collections.abc import Callable

from tests.fuzz import parts

MOST_CHANGES = 4
MOST_BYTES = 1_000_000
NUMBERS = (0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
"""At the ends of ranges."""
HEAD = 128
"""Bytes at whose head most of what steers a decoder stands."""

Draw = random.Random
Change = Callable[[bytes, Draw], bytes]


def mutated(file: bytes, kind: str, others: tuple[bytes, ...], draw: Draw) -> bytes:
    """A few changes one after the other.

    Args:
        file: a real file.
        kind: by whose structure it may be changed.
        others: files to splice it with.
        draw: makes all choices.
    """
    structural = parts.CHANGES.get(kind, ())
    for _ in range(draw.randint(1, MOST_CHANGES)):
        if structural and draw.random() < 0.5:
            file = draw.choice(structural)(file, draw)
        elif draw.random() < 0.1:
            file = splice(file, draw.choice(others), draw)
        else:
            file = draw.choice(PLAIN)(file, draw)
        file = file[:MOST_BYTES]
    return file


def flip_bits(file: bytes, draw: Draw) -> bytes:
    """One to eight bits."""
    changed = bytearray(file)
    for _ in range(draw.randint(1, 8) if file else 0):
        changed[_place(file, draw)] ^= 1 << draw.randrange(8)
    return bytes(changed)


def set_number(file: bytes, draw: Draw) -> bytes:
    """One, two or four bytes become a number at the end of a range, in either byte order."""
    number, width = draw.choice(NUMBERS), draw.choice((1, 2, 4))
    packed = struct.pack(draw.choice(("<I", ">I")), number)
    packed = packed[:width] if draw.random() < 0.5 else packed[4 - width :]
    at = _place(file, draw)
    return file[:at] + packed + file[at + width :]


def truncate(file: bytes, draw: Draw) -> bytes:
    """It ends too early."""
    return file[: draw.randrange(len(file) + 1)]


def duplicate(file: bytes, draw: Draw) -> bytes:
    """A block stands there twice, or many times."""
    start, end = _block(file, draw)
    return file[:end] + file[start:end] * draw.choice((1, 1, 2, 50)) + file[end:]


def remove(file: bytes, draw: Draw) -> bytes:
    """A block is missing."""
    start, end = _block(file, draw)
    return file[:start] + file[end:]


def swap(file: bytes, draw: Draw) -> bytes:
    """Two neighbouring blocks have changed places."""
    start, middle = _block(file, draw)
    end = min(len(file), 2 * middle - start)
    return file[:start] + file[middle:end] + file[start:middle] + file[end:]


def overwrite(file: bytes, draw: Draw) -> bytes:
    """A block of noise, or of one byte."""
    start, end = _block(file, draw)
    noise = draw.randbytes(end - start) if draw.random() < 0.5 else bytes([draw.randrange(256)]) * (end - start)
    return file[:start] + noise + file[end:]


def splice(file: bytes, other: bytes, draw: Draw) -> bytes:
    """The head of one file, the tail of another."""
    return file[: draw.randrange(len(file) + 1)] + other[draw.randrange(len(other) + 1) :]


PLAIN: tuple[Change, ...] = (flip_bits, set_number, truncate, duplicate, remove, swap, overwrite)


def _place(file: bytes, draw: Draw) -> int:
    return draw.randrange(max(1, draw.choice((len(file), min(len(file), HEAD)))))


def _block(file: bytes, draw: Draw) -> tuple[int, int]:
    start = _place(file, draw)
    return start, min(len(file), start + draw.choice((1, 4, 16, 64, 512)))
