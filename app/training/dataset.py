"""Labelled pictures read, checked and packed into arrays."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.core.errors import DataError, ImageError
from app.core.labels import LabelMap
from app.imaging.decode import DecodeLimits, decode
from app.imaging.geometry import Geometry, ResizeRule, resize_mask, resize_picture
from app.training.sources.samples import DataSource, Sample

Array = np.ndarray[Any, np.dtype[Any]]

LIMITS = DecodeLimits(max_bytes=2**28, max_pixels=2**27)
"""For one's own training pictures: generous, still bounded."""


@dataclass(frozen=True)
class Packed:
    """Pictures and masks of one size.

    Args:
        samples: N of them.
        pictures: (N, S, S, 3) uint8, RGB.
        masks: (N, S, S) uint8, class ids or 255.
        fingerprint: sha256 over what is known of the pictures, the bytes of their files, and their masks.
    """

    samples: tuple[Sample, ...]
    pictures: Array
    masks: Array
    fingerprint: str


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


def fitted(pictures: Sequence[Array], size: tuple[int, int], rule: ResizeRule) -> tuple[list[Geometry], Array]:
    """Pictures (H, W, 3) uint8 of any sizes as a network takes them: how each lies, and (N, h, w, 3) uint8."""
    geometries = [Geometry((picture.shape[0], picture.shape[1]), size, rule) for picture in pictures]
    resized = [resize_picture(picture, geometry) for picture, geometry in zip(pictures, geometries, strict=True)]
    return geometries, np.stack(resized)


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
    """Reads and checks every file, and resizes all to `size`×`size`.

    Raises:
        DataError: all problems of all files, or no sample at all.
    """
    if not samples:
        raise DataError(["no labelled picture to read"])

    def one(sample: Sample) -> tuple[Array, Array, str] | DataError:
        try:
            pixels, mask = read_sample(source, sample)
        except DataError as error:
            return error
        geometry = Geometry(mask.shape, (size, size), rule)
        return resize_picture(pixels, geometry), resize_mask(mask, geometry), _digest(sample, mask)

    with ThreadPoolExecutor() as pool:
        results = list(pool.map(one, samples))
    problems = [problem for result in results if isinstance(result, DataError) for problem in result.problems]
    good = [result for result in results if not isinstance(result, DataError)]
    if problems:
        raise DataError(problems)
    pictures, masks, digests = zip(*good, strict=True)
    fingerprint = hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()
    return Packed(tuple(samples), np.stack(pictures), np.stack(masks), fingerprint)


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
