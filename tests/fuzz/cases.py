"""What is sent: each case is a function of the campaign's seed and its own number."""

import random
from dataclasses import dataclass

from app.inference.answers import SegmentOptions
from app.inference.outputs import OUTPUTS, Output
from tests.fuzz.mutations import Draw, mutated
from tests.fuzz.seeds import seeds

UNTOUCHED = 0.04
"""Share of real files: they must be answered with a mask."""


@dataclass(frozen=True)
class Case:
    """One input.

    Args:
        number: in its campaign.
        kind: of the file that it was made from.
        data: its bytes.
        options: how to segment it.
        touched: whether it is anything but a real file.
    """

    number: int
    kind: str
    data: bytes
    options: SegmentOptions
    touched: bool


def drawn(seed: int, number: int) -> tuple[Case, Draw]:
    """A case, and the generator for whatever else belongs to it."""
    draw = random.Random(f"{seed}/{number}")
    kind, data, touched = file(draw)
    return Case(number, kind, data, _options(draw), touched), draw


def file(draw: Draw) -> tuple[str, bytes, bool]:
    """A kind, a file that was made from one of that kind, and whether it is anything but that."""
    kind = draw.choice(list(seeds()))
    real = draw.choice(seeds()[kind])
    if draw.random() < UNTOUCHED:
        return kind, real, False
    return kind, mutated(real, kind, seeds()[draw.choice(list(seeds()))], draw), True


def _options(draw: Draw) -> SegmentOptions:
    output: Output = draw.choice(("mask", "mask", *OUTPUTS))
    return SegmentOptions(
        output,
        classes=draw.choice((None, None, ("pet",), ("border", "background"))),
        threshold=draw.choice((0.0, 0.0, 0.5, 1.0)),
        size="original" if output == "probabilities" else "model",
        components=draw.random() < 0.3,
        segmentation=draw.choice(("rle", "polygons")),
        tolerance=draw.choice((0.0, 0.0, 0.7, 5.0)),
        tile=draw.choice((None, None, None, 32, 48)),
        flip=draw.random() < 0.1,
    )
