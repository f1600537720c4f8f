from pathlib import Path

import numpy as np
import pytest

from app.training.checking.duplicates import Pair, duplicate_pairs, group_leaks
from app.training.checking.inspection import Inspection, PictureFacts
from app.training.checking.problems import GROUP_LEAK, Problem
from app.training.sources.samples import Sample
from tests.training.drawn_pets import Array

RANDOM = np.random.default_rng(3)
THUMBNAILS = RANDOM.integers(0, 256, (9, 8, 9), np.uint8)


def sample(number: int, group: str = "") -> Sample:
    return Sample(f"p{number}", Path(f"p{number}.jpg"), Path(f"p{number}.png"), group=group)


def inspections(pictures: list[tuple[int, bytes]]) -> list[Inspection]:
    """Inspected pictures: which thumbnail, and digest."""
    facts: list[PictureFacts | None] = [PictureFacts((5, 5), digest, THUMBNAILS[look]) for look, digest in pictures]
    return [Inspection(sample(number), picture, None, 0, ()) for number, picture in enumerate(facts)]


def summed_up(pairs: list[Pair]) -> list[tuple[str, str, str]]:
    return [(pair.kind.name, pair.one.name, pair.other.name) for pair in pairs]


def test_pictures_that_differ() -> None:
    pictures = inspections([(number, bytes([number])) for number in range(9)])
    assert duplicate_pairs(pictures, ["trainval"] * 9) == []
    assert duplicate_pairs([], []) == []


def test_the_same_and_nearly_the_same_on_one_list() -> None:
    pairs = duplicate_pairs(inspections([(0, b"a"), (1, b"b"), (0, b"a"), (1, b"c"), (1, b"d")]), ["test"] * 5)
    assert summed_up(pairs) == [
        ("same_picture", "p0", "p2"),
        ("near_picture", "p1", "p3"),
        ("near_picture", "p1", "p4"),
    ]
    assert pairs[0].problem.name == "p0 = p2"


def test_leaks_come_first() -> None:
    pictures = inspections([(0, b"a"), (1, b"b"), (2, b"c"), (0, b"a"), (1, b"d"), (2, b"e")])
    sides = ["trainval", "trainval", "trainval", "test", "validation", "trainval"]
    assert summed_up(duplicate_pairs(pictures, sides)) == [
        ("same_picture_leak", "p0", "p3"),
        ("near_picture_leak", "p1", "p4"),
        ("near_picture", "p2", "p5"),
    ]


def test_a_picture_repeats_the_first_here_and_the_first_there() -> None:
    pictures = inspections([(0, b"a")] * 5)
    sides = ["trainval", "trainval", "test", "test", "trainval"]
    assert set(summed_up(duplicate_pairs(pictures, sides))) == {
        ("same_picture", "p0", "p1"),
        ("same_picture_leak", "p0", "p2"),
        ("same_picture_leak", "p0", "p3"),
        ("same_picture", "p2", "p3"),
        ("same_picture", "p0", "p4"),
        ("same_picture_leak", "p2", "p4"),
    }


def test_other_lists_are_no_sides() -> None:
    pictures = inspections([(0, b"a"), (0, b"a")])
    for sides in (["", "test"], ["trainval", ""], ["", ""]):
        assert summed_up(duplicate_pairs(pictures, sides)) == [("same_picture", "p0", "p1")]


def test_flat_pictures_are_the_same_only_if_every_pixel_is() -> None:
    flat: Array = np.full((8, 9), 7, np.uint8)
    pictures = [
        Inspection(sample(number), PictureFacts((5, 5), digest, flat), None, 0, ())
        for number, digest in enumerate((b"a", b"b", b"a"))
    ]
    assert summed_up(duplicate_pairs(pictures, ["trainval"] * 3)) == [("same_picture", "p0", "p2")]


def test_pictures_that_cannot_be_read_are_left_out() -> None:
    unreadable = Inspection(sample(9), None, None, 0, ())
    pictures = [unreadable, *inspections([(0, b"a"), (0, b"a")])]
    assert summed_up(duplicate_pairs(pictures, ["trainval", "trainval", "test"])) == [("same_picture_leak", "p0", "p1")]


@pytest.mark.parametrize(("side", "leaks"), [("test", True), ("trainval", False), ("", False)])
def test_groups_on_two_sides(side: str, leaks: bool) -> None:
    samples = [sample(0, "anna"), sample(1, "anna"), sample(2, "anna"), sample(3, "ben"), sample(4), sample(5)]
    problems = group_leaks(samples, ["trainval", "trainval", side, "test", "trainval", "test"])
    assert problems == ([Problem(GROUP_LEAK, "anna", "2 in trainval, 1 in test")] if leaks else [])
