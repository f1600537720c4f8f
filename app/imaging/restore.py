"""Probabilities from the network's size to the picture's: the exact inverse of how `geometry` resized it."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from app.imaging.geometry import Geometry
from app.imaging.resample import bilinear_taps, resample

BAND_VALUES = 2**18
"""Most probabilities in a band: they stay in the processor's cache, and no array is so large that it is got from the
system each time. A picture of 500×375 takes half as long as in one band."""


def restore_bands(
    probabilities: NDArray[np.float32], geometry: Geometry, band_pixels: int = 2**18
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Resizes probabilities back to the picture's size, bilinear, a band of rows at a time.

    The exact inverse of `resize_picture`: the content box goes back to the whole picture. Bands are bit-equal to the
    same rows of the whole; working memory is a few bands and a few times `probabilities`.

    Args:
        probabilities: (h, w, C) float32 of the geometry's target.
        geometry: the one that the picture was resized with.
        band_pixels: most pixels of a band, and of many classes fewer (see `BAND_VALUES`), but at least one row.

    Yields:
        First row of the band, and the band: (rows, W, C) float32, stored class by class: `band[..., c]` is quick.

    Raises:
        ValueError: probabilities of another size than the target.
    """
    rows, columns = geometry.source
    restored = RestoredRows(probabilities, geometry)
    band_rows = rows_of_a_band(columns, probabilities.shape[-1], band_pixels)
    for start in range(0, rows, band_rows):
        yield start, restored[start : min(start + band_rows, rows)].transpose(0, 2, 1)


def rows_of_a_band(width: int, classes: int, band_pixels: int) -> int:
    """How many rows of `width` a band has: at most `band_pixels` pixels and `BAND_VALUES` values, at least one row."""
    return max(1, min(band_pixels, BAND_VALUES // classes) // width)


class RestoredRows:
    """Probabilities at the picture's size, of which slices of rows are computed as they are asked for.

    Args:
        probabilities: (h, w, C) float32 of the geometry's target.
        geometry: the one that the picture was resized with.

    Raises:
        ValueError: probabilities of another size than the target.
    """

    def __init__(self, probabilities: NDArray[np.float32], geometry: Geometry) -> None:
        if probabilities.shape[:2] != geometry.target:
            raise ValueError(f"probabilities of {probabilities.shape[:2]} for a target of {geometry.target}")
        top, left, height, width = geometry.content
        content = probabilities[top : top + height, left : left + width].transpose(0, 2, 1)  # (h', C, w')
        rows, columns = geometry.source
        if rows < height:
            content = resample(content, bilinear_taps(height, rows), axis=0)
        # No band now takes more rows of the content than it has itself, or one more, however wide the picture is.
        self.content = content
        self.vertical = bilinear_taps(content.shape[0], rows)
        self.horizontal = bilinear_taps(width, columns)

    def __getitem__(self, rows: slice) -> NDArray[np.float32]:
        """Rows of the picture, start and stop within it: (rows, C, W) float32."""
        taps, needed = self.vertical.part(rows.start, rows.stop)
        return resample(resample(self.content[needed], self.horizontal, axis=2), taps, axis=0)
