"""From a picture to the network's input; training and serving share it. `restore` is the way back.

Pixels are squares with their centre at +½, as Pillow has it: pixel i of n lies at (i + ½) · N / n of the source's N.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.core.labels import UNDECIDED

ResizeRule = Literal["stretch", "letterbox", "crop"]

PAD = 127
"""Grey beside the picture, 0–255."""

DCT_SCALES = (1, 2, 4, 8)
"""Reductions that a JPEG can be decoded at."""


class Box(NamedTuple):
    """A rectangle in whole pixels."""

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True)
class Geometry:
    """How a picture lies in the network's input.

    Args:
        source: (H, W) of the picture, orientation applied.
        target: (h, w) of the network's input.
        rule: "stretch" fills the target, "letterbox" keeps the aspect ratio and centres (to the nearest pixel),
            "crop" centres a picture, or a window of it, that is no larger than the target, at its own scale.

    Raises:
        ValueError: a side below 1, an unknown rule, or a picture that is larger than the target and must not be.
    """

    source: tuple[int, int]
    target: tuple[int, int]
    rule: ResizeRule

    def __post_init__(self) -> None:
        """Refuses what no picture can be."""
        if min(*self.source, *self.target) < 1:
            raise ValueError(f"sides must be at least 1: {self.source} to {self.target}")
        if self.rule not in get_args(ResizeRule):
            raise ValueError(f"unknown resize rule {self.rule!r}")
        if self.rule == "crop" and not (self.source[0] <= self.target[0] and self.source[1] <= self.target[1]):
            raise ValueError(f"a picture of {self.source} does not fit into {self.target}: cut windows out of it")

    @property
    def content(self) -> Box:
        """Where the picture lies in the target; never empty, however long the picture is."""
        height, width = self.target
        if self.rule == "stretch":
            return Box(0, 0, height, width)
        scale = 1.0 if self.rule == "crop" else min(height / self.source[0], width / self.source[1])
        rows = min(height, max(1, round(self.source[0] * scale)))
        columns = min(width, max(1, round(self.source[1] * scale)))
        return Box((height - rows) // 2, (width - columns) // 2, rows, columns)


def shrunk(source: tuple[int, int], longest_side: int) -> Geometry:
    """Brings a picture of (H, W) to at most so many pixels on its longer side, in its aspect ratio; never larger."""
    shrink = min(1, longest_side / max(source))
    height, width = (max(1, round(side * shrink)) for side in source)
    return Geometry(source, (height, width), "stretch")


Array = TypeVar("Array", NDArray[np.uint8], NDArray[np.float32])


def mirrored(array: Array) -> Array:
    """(H, W, …) with left and right exchanged; a view."""
    return array[:, ::-1]


def resize_picture(pixels: NDArray[np.uint8], geometry: Geometry) -> NDArray[np.uint8]:
    """Resizes with antialiased bilinear interpolation; a letterbox is padded with `PAD`.

    Args:
        pixels: (H, W, 3) uint8 RGB of the geometry's source, or that picture decoded at a reduced DCT scale.
        geometry: where it goes.

    Returns:
        (h, w, 3) uint8 RGB of the geometry's target.

    Raises:
        ValueError: pixels of another size than the source at any DCT scale.
    """
    return resize_image(Image.fromarray(pixels), geometry)


def resize_image(image: Image.Image, geometry: Geometry) -> NDArray[np.uint8]:
    """The same with Pillow's image, of mode RGB, in place of its pixels: of these no copy is made.

    Returns, raises: as `resize_picture`.
    """
    top, left, height, width = geometry.content
    scale = _dct_scale((image.height, image.width), geometry.source)
    # The last row and column of a reduced JPEG reach past the picture's edge.
    extent = (0.0, 0.0, geometry.source[1] / scale, geometry.source[0] / scale)
    content = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, extent))
    resized = np.full((*geometry.target, 3), PAD, np.uint8)
    resized[top : top + height, left : left + width] = content
    return resized


def resize_mask(mask: NDArray[np.uint8], geometry: Geometry, fill: int = UNDECIDED) -> NDArray[np.uint8]:
    """Resizes class ids with nearest neighbour: no id appears that was not there, but `fill`.

    Args:
        mask: (H, W) uint8 of the geometry's source.
        geometry: where it goes.
        fill: value beside the picture in a letterbox, 0–255.

    Returns:
        (h, w) uint8 of the geometry's target.

    Raises:
        ValueError: a mask of another size than the source.
    """
    if mask.shape != geometry.source:
        raise ValueError(f"a mask of {mask.shape} for a picture of {geometry.source}")
    top, left, height, width = geometry.content
    resized = np.full(geometry.target, fill, np.uint8)
    resized[top : top + height, left : left + width] = np.asarray(
        Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST)
    )
    return resized


def _dct_scale(reduced: tuple[int, int], source: tuple[int, int]) -> int:
    """The scale at which a JPEG of `source` size decodes to `reduced`; 1 for a picture that is not reduced."""
    for scale in DCT_SCALES:
        if reduced == (-(-source[0] // scale), -(-source[1] // scale)):
            return scale
    raise ValueError(f"pixels of {reduced} for a picture of {source}")
