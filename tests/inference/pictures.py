"""Pictures of these tests, and their encoding."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

Pixels = NDArray[np.uint8]


def chelsea(height: int, width: int) -> Pixels:
    """The photograph of a cat, stretched to (height, width, 3)."""
    photograph = Image.fromarray(data.chelsea())  # type: ignore[no-untyped-call]  # scikit-image ships no types
    return np.asarray(photograph.resize((width, height), Image.Resampling.BILINEAR))


def different(number: int) -> list[Pixels]:
    """So many pictures of different content and size, photographs turned and recoloured."""
    pictures = []
    for index in range(number):
        pixels = np.rot90(chelsea(40 + 3 * index, 90 - 2 * index), index % 4)
        pictures.append(np.ascontiguousarray(np.roll(pixels, index, axis=2) ^ np.uint8(index * 7 % 128)))
    return pictures


def encoded(pixels: Pixels, kind: str = "PNG") -> bytes:
    """The picture as a file of that kind."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()
