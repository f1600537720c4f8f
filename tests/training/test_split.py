from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from app.core.errors import TrainingError
from app.training.sources.samples import Sample
from app.training.split import near_duplicate_groups, validation_names
from tests.training.drawn_pets import Array


def samples(*parts: tuple[str, int], mask_kind: str = "own") -> list[Sample]:
    """So many of each stratum."""
    return [
        Sample(f"{stratum}_{number}", Path("x.jpg"), Path("x.png"), mask_kind=mask_kind, stratum=stratum)
        for stratum, count in parts
        for number in range(count)
    ]


def pictures(count: int) -> Array:
    return np.random.default_rng(7).integers(0, 256, (count, 9, 9, 3), np.uint8).repeat(4, axis=1).repeat(4, axis=2)


def test_the_seed_determines_the_choice() -> None:
    given, pixels = samples(("cat", 20), ("dog", 20)), pictures(40)
    first = validation_names(given, pixels, 10, None, seed=1)
    assert first == validation_names(given, pixels, 10, None, seed=1)
    assert first == sorted(set(first))
    assert first != validation_names(given, pixels, 10, None, seed=2)


@pytest.mark.parametrize("seed", range(5))
def test_each_stratum_has_its_share(seed: int) -> None:
    given = samples(("cat", 60), ("dog", 30), ("bird", 10))
    names = validation_names(given, pictures(100), 20, None, seed)
    counts = Counter(name.partition("_")[0] for name in names)
    assert len(names) == 20
    assert counts == {"cat": pytest.approx(12, abs=1), "dog": pytest.approx(6, abs=1), "bird": pytest.approx(2, abs=1)}


def test_only_masks_of_the_asked_kind_are_chosen() -> None:
    given = samples(("cat", 20)) + samples(("wild", 20), mask_kind="outline")
    names = validation_names(given, pictures(40), 12, "own", seed=0)
    assert len(names) == 12
    assert all(name.startswith("cat") for name in names)


def test_near_duplicates_come_along() -> None:
    given = samples(("cat", 20)) + samples(("wild", 20), mask_kind="outline")
    pixels = pictures(40)
    pixels[20:] = np.clip(pixels[:20].astype(int) + 3, 0, 255)  # each wild one is a cat, a little brighter
    names = validation_names(given, pixels, 5, "own", seed=0)
    cats = {name.removeprefix("cat_") for name in names if name.startswith("cat")}
    assert len(cats) == 5
    assert {name.removeprefix("wild_") for name in names if name.startswith("wild")} == cats


def test_near_duplicates_share_a_group() -> None:
    pixels = pictures(6)
    pixels[4] = pixels[1] // 2 + 40  # another exposure
    noise = np.random.default_rng(0).normal(0, 2, pixels[2].shape)
    pixels[5] = np.clip(pixels[2] + noise, 0, 255)
    assert near_duplicate_groups(pixels).tolist() == [0, 1, 2, 3, 1, 2]


def test_groups_that_a_picture_ties_together_become_one() -> None:
    bits = np.zeros((3, 8, 9), int)
    bits[1, :, 1:][np.unravel_index(range(5), (8, 8))] = 1
    bits[2, :, 1:][np.unravel_index(range(10), (8, 8))] = 1
    first, second, third = (128 + np.cumsum(np.where(one, 3, -3), axis=1) for one in bits)
    pixels = np.stack([first, third, second]).astype(np.uint8)[..., None].repeat(3, axis=-1)
    assert near_duplicate_groups(pixels[:2]).tolist() == [0, 1]  # 10 bits apart
    assert near_duplicate_groups(pixels).tolist() == [0, 0, 0]  # the third lies 5 from either


@pytest.mark.parametrize(
    ("count", "kind", "message"),
    [
        (30, None, "validation_pictures 30: 30 pictures, 30 of them eligible"),
        (11, "outline", "validation_pictures 11: 30 pictures, 10 of them eligible"),
        (1, "hand", "0 of them eligible; ask for fewer"),
    ],
)
def test_too_few_pictures(count: int, kind: str | None, message: str) -> None:
    given = samples(("cat", 20)) + samples(("wild", 10), mask_kind="outline")
    with pytest.raises(TrainingError, match=message):
        validation_names(given, pictures(30), count, kind, seed=0)


def test_one_picture_many_times_cannot_be_split() -> None:
    with pytest.raises(TrainingError, match="none is left to train on"):
        validation_names(samples(("cat", 8)), pictures(1).repeat(8, axis=0), 2, None, seed=0)
