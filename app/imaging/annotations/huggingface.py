"""Hugging Face's answer for image segmentation: a grey PNG for each region."""

import base64
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import TypedDict

import numpy as np
from PIL import Image

from app.imaging.annotations.regions import Region, Regions


class Segment(TypedDict):
    """A region.

    `mask` is a PNG in base64, of one channel and the picture's size, 0 or 255; `score` its mean confidence.
    """

    label: str
    mask: str
    score: float


def segments(regions: Regions) -> Iterator[Segment]:
    """A segment for each region."""
    for region in regions.all:
        png = base64.b64encode(_png(regions, region)).decode()
        yield Segment(label=region.label.name, mask=png, score=region.mean_confidence)


def _png(regions: Regions, region: Region) -> bytes:
    left, top, width, height = region.bbox
    pixels = np.zeros(regions.size, np.uint8)
    pixels[top : top + height, left : left + width][regions.crop(region)] = 255
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1, compress_type=zlib.Z_RLE)
    return buffer.getvalue()
