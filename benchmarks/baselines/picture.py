"""Between bytes and arrays, with Pillow."""

import io

import numpy as np
from PIL import Image

Array = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


def opened(data: bytes, side: int) -> tuple[Array, tuple[int, int]]:
    """(side, side, 3) float32 RGB 0–255, and the (width, height) that the picture had."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR), np.float32), image.size


def mask_png(probabilities: Array, size: tuple[int, int]) -> bytes:
    """The mask at (width, height), nearest neighbour: less work than segserve does for smooth outlines."""
    classes = Image.fromarray(probabilities.argmax(axis=-1).astype(np.uint8)).resize(size, Image.Resampling.NEAREST)
    file = io.BytesIO()
    classes.save(file, "PNG")
    return file.getvalue()
