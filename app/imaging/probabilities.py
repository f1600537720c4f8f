"""Class probabilities of a picture at its own size, computed a band of rows at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from app.imaging.geometry import Geometry, mirrored
from app.imaging.restore import restore_bands
from app.imaging.windows import Window, blend
from app.imaging.winners import band_winners, restored_winners

Bands = Iterator[tuple[int, NDArray[np.float32]]]
"""First row of a band, and the band: (rows, W, C) float32, stored class by class; from the first row to the last."""


class ProbabilityMap(Protocol):
    """Probabilities of a whole picture."""

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the picture."""
        ...

    @property
    def classes(self) -> int:
        """Number of classes."""
        ...

    def bands(self) -> Bands:
        """The probabilities, a band at a time."""
        ...

    def winners(self) -> NDArray[np.uint8]:
        """The most probable class of each pixel, the lowest where several are equal: (H, W) uint8."""
        ...

    def weighted(self, weights: NDArray[np.float32]) -> "ProbabilityMap":
        """One plane: the sum over the classes of probability times weight, (C,) float32."""
        ...


@dataclass(frozen=True)
class ResizedProbabilities:
    """Of a picture that the network saw as a whole.

    Args:
        probabilities: (h, w, C) float32 of the geometry's target.
        geometry: the one that the picture was resized with.
    """

    probabilities: NDArray[np.float32]
    geometry: Geometry

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the picture."""
        return self.geometry.source

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.probabilities.shape[-1])

    def bands(self) -> Bands:
        """The probabilities, a band at a time.

        Raises:
            ValueError: they have another size than the geometry's target.
        """
        return restore_bands(self.probabilities, self.geometry)

    def winners(self) -> NDArray[np.uint8]:
        """The most probable class of each pixel, in a third of the time that their probabilities take."""
        return restored_winners(self.probabilities, self.geometry)

    def weighted(self, weights: NDArray[np.float32]) -> Self:
        """One plane; summed at the network's size, where there are fewer pixels."""
        return replace(self, probabilities=_plane(self.probabilities, weights))


@dataclass(frozen=True)
class WindowedProbabilities:
    """Of a picture that the network sees in windows, row by row, as the bands are asked for.

    Args:
        size: (H, W) of the picture.
        classes: number of classes.
        rows: begins to give the rows of windows.
    """

    size: tuple[int, int]
    classes: int
    rows: Callable[[], Iterable[Sequence[Window]]]

    def bands(self) -> Bands:
        """The probabilities, a band at a time."""
        return blend(self.rows(), self.size)

    def winners(self) -> NDArray[np.uint8]:
        """The most probable class of each pixel."""
        return band_winners(self.bands(), self.size)

    def weighted(self, weights: NDArray[np.float32]) -> Self:
        """One plane."""

        def rows() -> Iterator[list[Window]]:
            for row in self.rows():
                yield [replace(window, probabilities=_plane(window.probabilities, weights)) for window in row]

        return replace(self, classes=1, rows=rows)


def _plane(probabilities: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, 1) float32: the sum over the classes of probability times weight."""
    plane: NDArray[np.float32] = (probabilities @ weights)[:, :, np.newaxis]
    return plane


def mirror_mean(plain: NDArray[np.float32], of_mirror: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of the probabilities of a picture and of its mirror image, (h, w, C) float32 each."""
    mean: NDArray[np.float32] = (plain + mirrored(of_mirror)) * np.float32(0.5)
    return mean


def restored(probabilities: ProbabilityMap) -> NDArray[np.float32]:
    """The whole at once, (H, W, C) float32."""
    whole = np.empty((*probabilities.size, probabilities.classes), np.float32)
    for row, band in probabilities.bands():
        whole[row : row + len(band)] = band
    return whole
