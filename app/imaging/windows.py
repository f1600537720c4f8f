"""Large pictures in overlapping windows, and the windows' probabilities blended into one picture."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from app.imaging.geometry import Box, Geometry, ResizeRule, resize_picture
from app.imaging.restore import RestoredRows, rows_of_a_band

Probabilities = NDArray[np.float32]
Infer = Callable[[list[NDArray[np.uint8]]], Iterable[Probabilities]]
"""Pictures (h, w, 3) uint8 of a network's size → their probabilities, (h, w, C) float32 each."""

OVERLAP = 0.25
"""Least part of a window that it shares with the next one."""


@dataclass(frozen=True)
class Window:
    """What a network makes of a part of a picture.

    Args:
        box: which part.
        probabilities: (h, w, C) float32.
        geometry: between the part and the network's input.
    """

    box: Box
    probabilities: Probabilities
    geometry: Geometry


def window_starts(length: int, side: int, overlap: float = OVERLAP) -> list[int]:
    """First pixels of the fewest windows that cover a length, evenly spread; one where that is enough.

    Args:
        length: pixels to cover.
        side: of a window.
        overlap: least part of a window that it shares with the next one, 0 to below 1.
    """
    if length <= side:
        return [0]
    gaps = ceil((length - side) / max(1, int(side * (1 - overlap))))
    return [round(gap * (length - side) / gaps) for gap in range(gaps + 1)]


def window_rows(size: tuple[int, int], window: tuple[int, int], overlap: float = OVERLAP) -> list[list[Box]]:
    """Windows of (h, w) over a picture of (H, W), row by row; no window is larger than the picture."""
    height, width = min(window[0], size[0]), min(window[1], size[1])
    columns = window_starts(size[1], width, overlap)
    return [[Box(top, left, height, width) for left in columns] for top in window_starts(size[0], height, overlap)]


@dataclass(frozen=True)
class View:
    """How a network is shown pictures: as a whole, or in windows.

    Args:
        size: (h, w) of the network's input.
        rule: how a picture or a window becomes that size; with `crop` it sees windows of that size, always.
        tile: side of windows in pixels of the picture, for pictures that are longer; None: the whole picture.
    """

    size: tuple[int, int]
    rule: ResizeRule
    tile: int | None = None

    @property
    def in_windows(self) -> bool:
        """Whether it may see windows; of a picture that is no longer than `tile` it sees the whole."""
        return self.rule == "crop" or self.tile is not None

    def window(self, picture: tuple[int, int]) -> tuple[int, int] | None:
        """(h, w) of the windows of a picture of (H, W), at its own scale; None: it is seen as a whole."""
        if self.rule == "crop":
            return self.size
        return None if self.tile is None or self.tile >= max(picture) else (self.tile, self.tile)

    def count(self, picture: tuple[int, int]) -> int:
        """How often the network is asked for a picture of (H, W)."""
        window = self.window(picture)
        if window is None:
            return 1
        rows, columns = map(window_starts, picture, map(min, window, picture))
        return len(rows) * len(columns)

    def geometry(self, picture: tuple[int, int]) -> Geometry:
        """How a picture of (H, W) lies in what the network gives: windows are put together at the picture's size."""
        if self.window(picture) is None:
            return Geometry(picture, self.size, self.rule)
        return Geometry(picture, picture, "stretch")


def infer_windows(pixels: NDArray[np.uint8], view: View, infer: Infer) -> Iterator[list[Window]]:
    """Shows a network a picture in windows, row by row as they are asked for.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        view: which windows.
        infer: the network.

    Raises:
        ValueError: the view shows the picture as a whole.
    """
    size = (pixels.shape[0], pixels.shape[1])
    window = view.window(size)
    if window is None:
        raise ValueError(f"a picture of {size} is seen as a whole")
    for boxes in window_rows(size, window):
        geometry = Geometry((boxes[0].height, boxes[0].width), view.size, view.rule)
        images = [resize_picture(cut(pixels, box), geometry) for box in boxes]
        yield [Window(box, each, geometry) for box, each in zip(boxes, infer(images), strict=True)]


def middle_window(pixels: NDArray[np.uint8], target: tuple[int, int]) -> NDArray[np.uint8]:
    """The middle one of the windows that a network with `crop` sees of a picture: (h, w, 3) uint8 RGB."""
    rows = window_rows((pixels.shape[0], pixels.shape[1]), target)
    box = rows[len(rows) // 2][len(rows[0]) // 2]
    return resize_picture(cut(pixels, box), Geometry((box.height, box.width), target, "crop"))


def cut(pixels: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """A view of a part of a picture or mask."""
    top, left, height, width = box
    return pixels[top : top + height, left : left + width]


def blend(
    rows: Iterable[Sequence[Window]], size: tuple[int, int], band_pixels: int = 2**18
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """The mean of overlapping windows, each weighing less towards its edges: no seam is seen.

    Windows are taken as they are needed and let go of when they are not: at most those that reach into the same rows
    of the picture are held, and a few bands.

    Args:
        rows: windows as `window_rows` orders them.
        size: (H, W) of the picture.
        band_pixels: most pixels of a band, and of many classes fewer (see `BAND_VALUES`), but at least one row.

    Yields:
        First row of the band, and the band: (rows, W, C) float32, stored class by class.
    """
    held: deque[_Row] = deque()
    start = 0
    for row in map(_Row, rows):
        yield from _bands(held, start, row.top, band_pixels)  # nothing that comes later reaches above this row
        start = row.top
        held.append(row)
    yield from _bands(held, start, size[0], band_pixels)


class _Row:
    """Windows beside each other, restored, with what each weighs across the picture and all of them down it."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self.top, _, height, width = windows[0].box
        self.bottom = self.top + height
        self.slope = _tent(height)
        self.classes = int(windows[0].probabilities.shape[-1])
        self.width = windows[-1].box.left + width
        columns = [slice(window.box.left, window.box.left + width) for window in windows]
        total = np.zeros(self.width, np.float32)
        for each in columns:
            total[each] += _tent(width)
        weights = [_tent(width) / total[each] for each in columns]
        restored = [RestoredRows(window.probabilities, window.geometry) for window in windows]
        self.parts = list(zip(columns, weights, restored, strict=True))


def _tent(length: int) -> NDArray[np.float32]:
    """Weights that rise to the middle and fall again, (length,) float32, above 0."""
    pixels = np.arange(0.5, length, dtype=np.float32)
    return np.minimum(pixels, pixels[::-1])


def _bands(held: deque[_Row], start: int, stop: int, band_pixels: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Bands of the picture's rows from `start` to `stop`; lets go of windows that end above."""
    while start < stop:
        while held[0].bottom <= start:
            held.popleft()
        end = min(stop, held[0].bottom, start + rows_of_a_band(held[0].width, held[0].classes, band_pixels))
        yield start, _band(held, start, end)
        start = end


def _band(held: deque[_Row], start: int, stop: int) -> NDArray[np.float32]:
    """Rows to which all that is held contributes, (rows, W, C) float32."""
    slopes = [row.slope[start - row.top : stop - row.top] for row in held]
    total = np.sum(slopes, axis=0)
    band = np.zeros((stop - start, held[0].classes, held[0].width), np.float32)
    for row, slope in zip(held, slopes, strict=True):
        vertical = (slope / total)[:, np.newaxis, np.newaxis]
        for columns, horizontal, restored in row.parts:
            part = restored[start - row.top : stop - row.top]  # (rows, C, columns)
            band[:, :, columns] += part * (vertical * horizontal)
    return band.transpose(0, 2, 1)
