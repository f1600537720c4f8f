from pathlib import Path

import numpy as np

from app.training.checking.inspection import Inspection, PictureFacts
from app.training.checking.summary import ClassShare, Range, summarise
from app.training.sources.oxford import PETS
from app.training.sources.samples import Sample

SAMPLE = Sample("a", Path("a.jpg"), Path("a.png"))


def inspection(size: tuple[int, int] | None, pixels: list[int] | None, undecided: int = 0) -> Inspection:
    picture = None if size is None else PictureFacts(size, b"", np.zeros((8, 9), np.uint8))
    return Inspection(SAMPLE, picture, None if pixels is None else np.array(pixels), undecided, ())


def test_sizes_and_shares() -> None:
    inspections = [
        inspection((10, 20), [150, 50, 0], undecided=0),
        inspection((10, 10), [0, 60, 0], undecided=40),
        inspection((30, 10), None),
        inspection(None, None),
    ]
    summary = summarise(inspections, PETS)
    assert (summary.pictures, summary.usable) == (4, 2)
    assert summary.width == Range(10, 10, 20)
    assert summary.height == Range(10, 10, 30)
    assert summary.aspect == Range(1 / 3, 1, 2)
    assert summary.classes == {
        "pet": ClassShare(150 / 260, 1),
        "background": ClassShare(110 / 260, 2),
        "border": ClassShare(0, 0),
    }
    assert summary.undecided == 40 / 300


def test_nothing_that_can_be_read() -> None:
    for inspections in ([], [inspection(None, None)]):
        summary = summarise(inspections, PETS)
        assert (summary.pictures, summary.usable) == (len(inspections), 0)
        assert summary.width is summary.height is summary.aspect is None
        assert set(summary.classes.values()) == {ClassShare(0, 0)}
        assert summary.undecided == 0
