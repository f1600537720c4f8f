"""Labelled pictures read, checked and packed into arrays."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.core.errors import DataError, ImageError
from app.core.labels import UNDECIDED, LabelMap
from app.imaging.decode import DecodeLimits, decode
from app.imaging.geometry import Geometry, ResizeRule, resize_mask, resize_picture
from app.imaging.windows import cut, window_rows
from app.training.near_duplicates import thumbnail
from app.training.sources.samples import DataSource, Sample

Array = np.ndarray[Any, np.dtype[Any]]

LIMITS = DecodeLimits(max_bytes=2**28, max_pixels=2**27)
"""For one's own training pictures: generous, still bounded."""


MAX_PIXELS = 2**31
"""Of all pictures together: indices on the device have 32 bits."""


@dataclass(frozen=True)
class Packed:
    """Pictures and masks of one size; with the rule `crop`, windows of them.

    Args:
        samples: N of them.
        thumbnails: (N, 8, 9) uint8, for finding near-duplicates.
        owners: (M,) int, ascending: index of the sample that each picture is, or is a window of.
        pictures: (M, S, S, 3) uint8, RGB.
        masks: (M, S, S) uint8, class ids or 255.
        fingerprint: sha256 over what is known of the pictures, the bytes of their files, and their masks.
    """

    samples: tuple[Sample, ...]
    thumbnails: Array
    owners: Array
    pictures: Array
    masks: Array
    fingerprint: str


@dataclass(frozen=True)
class _PackedSample:
    """One sample: (K, S, S, 3) and (K, S, S) uint8, K = 1 unless it was cut into windows."""

    pictures: Array
    masks: Array
    thumbnail: Array
    digest: str


def read_picture(path: Path) -> Array:
    """A picture at its own size, (H, W, 3) uint8 RGB.

    Raises:
        DataError: it is missing or cannot be read.
    """
    try:
        return decode(path.read_bytes(), LIMITS).pixels
    except FileNotFoundError as error:
        raise DataError([f"{path}: missing"]) from error
    except OSError as error:
        raise DataError([f"{path}: cannot be read ({error})"]) from error
    except ImageError as error:
        raise DataError([f"{path}: {error.detail}"]) from error


def read_sample(source: DataSource, sample: Sample) -> tuple[Array, Array]:
    """Picture (H, W, 3) uint8 and mask (H, W) uint8 at their own size.

    Raises:
        DataError: whatever is wrong with the two files, all of it.
    """
    problems: list[str] = []
    pixels = mask = None
    try:
        pixels = read_picture(sample.picture)
    except DataError as error:
        problems += error.problems
    try:
        mask = source.mask(sample)
    except DataError as error:
        problems += error.problems
    if pixels is not None and mask is not None and pixels.shape[:2] != mask.shape:
        (h, w), (mh, mw) = pixels.shape[:2], mask.shape
        problems.append(f"{sample.mask}: {mw}×{mh} pixels, but {sample.picture.name} has {w}×{h} as people see it")
    if problems or pixels is None or mask is None:
        raise DataError(problems)
    return pixels, mask


def pack(source: DataSource, samples: Sequence[Sample], size: int, rule: ResizeRule) -> Packed:
    """Reads and checks every file, and brings all to `size`×`size`.

    Raises:
        DataError: all problems of all files, no sample at all, or more pixels than can be indexed.
    """
    if not samples:
        raise DataError(["no labelled picture to read"])

    def one(sample: Sample) -> _PackedSample | DataError:
        try:
            pixels, mask = read_sample(source, sample)
        except DataError as error:
            return error
        return _packed(sample, pixels, mask, size, rule)

    problems: list[str] = []
    good: list[_PackedSample] = []
    total = 0
    pool = ThreadPoolExecutor()
    try:
        for result in pool.map(one, samples):
            if isinstance(result, DataError):
                problems += result.problems
            else:
                good.append(result)
                total += result.masks.size
            if total >= MAX_PIXELS:
                remedy = "list fewer pictures" if rule == "crop" else "lower `stored_size`"
                raise DataError([f"more than {MAX_PIXELS} pixels to train on: {remedy}"])
    finally:
        pool.shutdown(cancel_futures=True)
    if problems:
        raise DataError(problems)
    return Packed(
        samples=tuple(samples),
        thumbnails=np.stack([each.thumbnail for each in good]),
        owners=np.repeat(np.arange(len(good)), [len(each.masks) for each in good]),
        pictures=np.concatenate([each.pictures for each in good]),
        masks=np.concatenate([each.masks for each in good]),
        fingerprint=hashlib.sha256("\n".join(sorted(each.digest for each in good)).encode()).hexdigest(),
    )


def _packed(sample: Sample, pixels: Array, mask: Array, size: int, rule: ResizeRule) -> _PackedSample:
    digest, square = _digest(sample, mask), (size, size)
    if rule != "crop":
        geometry = Geometry(mask.shape, square, rule)
        picture = resize_picture(pixels, geometry)
        return _PackedSample(picture[None], resize_mask(mask, geometry)[None], thumbnail(picture), digest)
    boxes = [box for row in window_rows(mask.shape, square, overlap=0.0) for box in row]
    # A window without a decided pixel teaches nothing; of a picture that has no other, one is kept.
    boxes = [box for box in boxes if (cut(mask, box) != UNDECIDED).any()] or boxes[:1]
    geometry = Geometry((boxes[0].height, boxes[0].width), square, rule)
    pictures = np.stack([resize_picture(cut(pixels, box), geometry) for box in boxes])
    masks = np.stack([resize_mask(cut(mask, box), geometry) for box in boxes])
    return _PackedSample(pictures, masks, thumbnail(pixels), digest)


def _digest(sample: Sample, mask: Array) -> str:
    """Hash of a sample; of its mask rather than of its file, which may hold the masks of all."""
    known = (sample.name, sample.source, sample.mask_kind, sample.stratum, sample.group, mask.shape)
    picture = hashlib.sha256(sample.picture.read_bytes()).digest()
    return hashlib.sha256(repr(known).encode() + picture + mask.tobytes()).hexdigest()


def require_apart(source: DataSource, training: Sequence[Sample], split: str) -> None:
    """Sees to it that no picture of a list, where there is one, is trained on.

    Raises:
        DataError: pictures that are on both lists.
    """
    if split not in source.splits:
        return
    both = {sample.name for sample in training} & {sample.name for sample in source.samples(split)}
    if both:
        raise DataError(
            [f"{name}: listed for training and in {split}; scores on it would mean nothing" for name in sorted(both)]
        )


def missing_classes(masks: Array, labels: LabelMap) -> list[str]:
    """Names of the classes that not a single pixel of the masks has."""
    present = np.unique(masks)
    return [label.name for label in labels if label.id not in present]
