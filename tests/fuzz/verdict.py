"""What may come of a picture: a mask of its size, or a refusal."""

import base64
import contextlib
import io
import json
import warnings
import zipfile
from typing import Any

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


def answered_size(content: bytes, media_type: str) -> Size | None:
    """(H, W) of an answer, of any output that has the picture's size; None: it does not say."""
    if media_type in ("application/json", "application/geo+json"):
        return _size_in(json.loads(content))
    if media_type == "text/plain":
        return None
    if media_type == "application/zip":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return answered_size(archive.read("mask.png"), "image/png")
    if media_type == "application/x-npy":
        shape = np.load(io.BytesIO(content)).shape
        return shape[0], shape[1]
    image = Image.open(io.BytesIO(content), formats=("PNG",))
    image.load()
    return image.height, image.width


def _size_in(body: Any) -> Size | None:
    if isinstance(body, dict) and "size" in body:
        height, width = body["size"]
        return int(height), int(width)
    if isinstance(body, dict) and "images" in body:
        return int(body["images"][0]["height"]), int(body["images"][0]["width"])
    entries = body["result"] if isinstance(body, dict) else body
    if entries and "original_height" in entries[0]:
        return int(entries[0]["original_height"]), int(entries[0]["original_width"])
    if entries and isinstance(entries[0]["mask"], str):
        return answered_size(base64.b64decode(entries[0]["mask"]), "image/png")
    return None


def wrong_size(data: bytes, content: bytes, media_type: str) -> str | None:
    """What is wrong with the size of an answer; None if nothing is."""
    expected, found = upright_size(data), answered_size(content, media_type)
    return None if found in (expected, None) else f"an answer of {found} for a picture of {expected}"
