"""COCO's segmentations: objects as polygons, or as runs of pixels, to masks."""

import importlib.util
from typing import Any

import numpy as np

from app.core.errors import TrainingError

Array = np.ndarray[Any, np.dtype[Any]]

LEAST_NUMBERS = 6
"""Of a polygon: three corners."""

LARGEST = 2**31
"""No coordinate or run is of that size."""

FIRST_CODE = 48
MORE, SIGN, BITS = 0x20, 0x10, 5
LONGEST_NUMBER = 7
"""Characters of a number of at most 32 bits."""


def require_pycocotools() -> None:
    """Sees to it that polygons can be drawn.

    Raises:
        TrainingError: pycocotools is not installed; the message says how.
    """
    if importlib.util.find_spec("pycocotools") is None:
        raise TrainingError('COCO\'s polygons are drawn by pycocotools: pip install "segserve[train]"')


def segment(segmentation: Any, size: tuple[int, int]) -> Array:
    """Pixels of an object.

    Args:
        segmentation: polygons, each a list x, y, x, y, …, whose union it is; or runs of zeros and ones in turn, column
            by column, as numbers or in COCO's characters.
        size: (H, W) of the picture.

    Returns:
        (H, W) bool.

    Raises:
        ValueError: what it is not; the message says why.
        TrainingError: polygons without pycocotools.
    """
    if isinstance(segmentation, list) and segmentation:
        return _filled(segmentation, size)
    if isinstance(segmentation, dict):
        return _from_runs(segmentation, size)
    raise ValueError("no segmentation: neither polygons nor runs of pixels (a box alone says too little)")


def _filled(polygons: list[Any], size: tuple[int, int]) -> Array:
    """The union of polygons, rasterised as COCO does it."""
    require_pycocotools()
    from pycocotools import mask

    height, width = size
    corners = [_corners(polygon, size) for polygon in polygons]
    filled: Array = mask.decode(mask.merge(mask.frPyObjects(corners, height, width)))
    return filled.astype(bool)


def _corners(polygon: Any, size: tuple[int, int]) -> list[float]:
    """Checked coordinates: the library takes any and crashes on some."""
    if not isinstance(polygon, list) or not all(_is_finite(number) for number in polygon):
        raise ValueError("a polygon is a list of finite numbers x, y, x, y, …")
    if len(polygon) < LEAST_NUMBERS or len(polygon) % 2:
        raise ValueError(
            f"a polygon of {len(polygon)} numbers: at least three corners, each x and y, are {LEAST_NUMBERS}"
        )
    height, width = size
    xy = np.array(polygon, np.float64).reshape(-1, 2)
    if not ((xy > (-width, -height)) & (xy < (2 * width, 2 * height))).all():
        raise ValueError(f"a corner far outside of the picture of {width}×{height} pixels")
    return xy.ravel().tolist()


def _is_finite(number: object) -> bool:
    return isinstance(number, int | float) and abs(number) < LARGEST


def _from_runs(rle: dict[str, Any], size: tuple[int, int]) -> Array:
    if rle.get("size") != list(size):
        raise ValueError(f"its runs are of size {rle.get('size')!r}, but the picture has {list(size)} (height, width)")
    counts = rle.get("counts")
    runs = _decoded(counts) if isinstance(counts, str) else _numbers(counts)
    if (runs < 0).any() or runs.sum() != size[0] * size[1]:
        raise ValueError(f"its runs add up to {runs.sum()} pixels, but the picture has {size[0] * size[1]}")
    pixels = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return pixels.reshape(size[::-1]).T


def _numbers(counts: Any) -> Array:
    if not isinstance(counts, list) or not all(type(count) is int and 0 <= count < LARGEST for count in counts):
        raise ValueError("`counts` is neither text nor a list of whole numbers")
    return np.array(counts, np.int64)


def _decoded(text: str) -> Array:
    """Run lengths from COCO's characters, the inverse of `app.imaging.rle`: the library reads past a broken text's end.

    A character from code 48 on is 5 bits of a number, lowest first; bit 5 says that another follows, bit 4 of the last
    is the sign. From the fourth number on it is the difference to the one two before.
    """
    codes = np.frombuffer(text.encode("latin-1", "replace"), np.uint8).astype(np.int64) - FIRST_CODE
    more = codes & MORE != 0
    if not len(codes) or (codes < 0).any() or (codes >= 2 * MORE).any() or more[-1]:
        raise ValueError("`counts` is no text of COCO's runs, or is cut off")
    number = np.concatenate(([0], np.cumsum(~more)[:-1]))  # which number each character belongs to
    first = np.flatnonzero(np.diff(number, prepend=-1))
    place = np.arange(len(codes)) - first[number]
    if place.max() >= LONGEST_NUMBER:
        raise ValueError("`counts` has a number of more than 32 bits")
    values = np.bincount(number, ((codes & (MORE - 1)) << BITS * place).astype(np.float64)).astype(np.int64)
    negative = codes[~more] & SIGN != 0
    values -= np.where(negative, 1 << BITS * (place[~more] + 1), 0)
    for start in (1, 2):
        values[start::2] = np.cumsum(values[start::2])
    return values
