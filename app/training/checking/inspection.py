"""One labelled picture, read and measured; nothing of it is kept but numbers."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.core.errors import DataError
from app.core.labels import UNDECIDED
from app.training.checking.problems import (
    MISSING_MASK,
    MISSING_PICTURE,
    ONE_CLASS,
    OTHER_SIZE,
    UNREADABLE_PICTURE,
    UNUSABLE_MASK,
    Kind,
    Problem,
)
from app.training.dataset import read_picture
from app.training.near_duplicates import thumbnail
from app.training.sources.samples import DataSource, Sample

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class PictureFacts:
    """What is known of a picture that could be read.

    Args:
        size: (H, W) as people see it.
        digest: sha256 of its pixels and size.
        thumbnail: (8, 9) uint8, for finding near-duplicates.
    """

    size: tuple[int, int]
    digest: bytes
    thumbnail: Array


@dataclass(frozen=True)
class Inspection:
    """A labelled picture looked at.

    Args:
        sample: which.
        picture: None where it could not be read.
        pixels: number of each class, (C,) int64; None unless picture and mask can be used together.
        undecided: number of pixels of no class.
        problems: what is wrong with the two files.
    """

    sample: Sample
    picture: PictureFacts | None
    pixels: Array | None
    undecided: int
    problems: tuple[Problem, ...]


def inspect(source: DataSource, sample: Sample) -> Inspection:
    """Reads a picture and its mask; whatever is wrong is in the result."""
    problems: list[Problem] = []
    picture = mask = None
    try:
        pixels = read_picture(sample.picture)
        size = (pixels.shape[0], pixels.shape[1])
        picture = PictureFacts(size, hashlib.sha256(repr(size).encode() + pixels.tobytes()).digest(), thumbnail(pixels))
    except DataError as error:
        problems += _told(sample, error, UNREADABLE_PICTURE if sample.picture.is_file() else MISSING_PICTURE)
    try:
        mask = source.mask(sample)
    except DataError as error:
        problems += _told(sample, error, UNUSABLE_MASK if sample.mask.is_file() else MISSING_MASK)
    if picture and mask is not None and picture.size != mask.shape:
        (h, w), (mh, mw) = picture.size, mask.shape
        problems.append(Problem(OTHER_SIZE, sample.name, f"mask {mw}×{mh}, picture {w}×{h}"))
        mask = None
    if picture is None or mask is None:
        return Inspection(sample, picture, None, 0, tuple(problems))
    counts = np.bincount(mask.reshape(-1), minlength=UNDECIDED + 1)
    counted = counts[: len(source.labels)]
    if np.count_nonzero(counted) == 1:
        (only,) = (label.name for label in source.labels if counted[label.id])
        problems.append(Problem(ONE_CLASS, sample.name, f"only {only}"))
    return Inspection(sample, picture, counted, int(counts[UNDECIDED]), tuple(problems))


def _told(sample: Sample, error: DataError, kind: Kind) -> list[Problem]:
    """The problems of an error without the names of the files, so that the same ones read the same."""
    if kind in (MISSING_MASK, MISSING_PICTURE):
        return [Problem(kind, sample.name)]
    return [Problem(kind, sample.name, _without_files(problem, sample)) for problem in error.problems]


def _without_files(text: str, sample: Sample) -> str:
    files = (sample.mask, sample.picture)
    for file in files:
        text = text.removeprefix(f"{file}: ")
    for name in [*map(str, files), *(file.name for file in files)]:
        text = text.replace(name, "the file")
    return text
