"""The limit on pixels, also where Pillow makes room for them by itself: for some kinds as soon as a file is opened."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from PIL import Image

from app.core.errors import ImageTooLargeError

_limit: ContextVar[float] = ContextVar("max_pixels", default=math.inf)


@contextmanager
def at_most(pixels: int) -> Iterator[None]:
    """Whatever Pillow is to make room for in the block has at most so many pixels; each thread has its own limit.

    What is larger raises ImageTooLargeError.
    """
    token = _limit.set(pixels)
    try:
        yield
    finally:
        _limit.reset(token)


def check_pixels(size: tuple[int, int], limit: float) -> None:
    """Passes a (width, height) that a header claims, and that is within the limit.

    Raises:
        ImageTooLargeError: it says how many pixels that would be.
    """
    width, height = size
    if width * height > limit:
        pixels = f"{width} × {height} = {width * height:,} pixels"
        raise ImageTooLargeError(f"{pixels} are more than the {limit:,} allowed")


def _check(size: tuple[int, int], *, error_only: bool = False) -> None:
    check_pixels(size, _limit.get())


# Pillow's own limit is one for the process, and only warns up to twice of it. A test holds that it still asks here.
Image._decompression_bomb_check = _check
