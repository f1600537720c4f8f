"""What may come of a picture: a mask of its size, or a refusal."""

import contextlib
import io
import json
import warnings

import numpy as np
from PIL import Image, ImageOps

from app.imaging.signatures import recognise

Size = tuple[int, int]


def upright_size(data: bytes) -> Size:
    """(H, W) of a picture as Pillow shows it to people."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image: Image.Image = Image.open(io.BytesIO(data), formats=(recognise(data),))
        image.load()
        with contextlib.suppress(Exception):  # broken metadata do not make a picture unreadable
            image = ImageOps.exif_transpose(image)
    return image.height, image.width


def answered_size(content: bytes, media_type: str) -> Size:
    """(H, W) of an answer, of any output that has the picture's size."""
    if media_type == "application/json":
        height, width = json.loads(content)["size"]
        return int(height), int(width)
    if media_type == "application/x-npy":
        shape = np.load(io.BytesIO(content)).shape
        return shape[0], shape[1]
    image = Image.open(io.BytesIO(content), formats=("PNG",))
    image.load()
    return image.height, image.width


def wrong_size(data: bytes, content: bytes, media_type: str) -> str | None:
    """What is wrong with the size of an answer; None if nothing is."""
    expected, found = upright_size(data), answered_size(content, media_type)
    return None if expected == found else f"an answer of {found} for a picture of {expected}"
