from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.core.errors import TrainingError
from app.training.sources.samples import Sample
from app.training.split import divide, inseparable, stratified_order, validation_names
from tests.training.drawn_pets import Array


def samples(*parts: tuple[str, int], mask_kind: str = "own") -> list[Sample]:
    """So many of each stratum."""
    return [
        Sample(f"{stratum}_{number}", Path("x.jpg"), Path("x.png"), mask_kind=mask_kind, stratum=stratum)
        for stratum, count in parts
        for number in range(count)
    ]


def thumbnails(count: int) -> Array:
    return np.random.default_rng(7).integers(0, 256, (count, 8, 9), np.uint8)


def test_the_seed_determines_the_choice() -> None:
    given, seen = samples(("cat", 20), ("dog", 20)), thumbnails(40)
    first = validation_names(given, seen, 10, None, seed=1)
    assert first == validation_names(given, seen, 10, None, seed=1)
    assert first == sorted(set(first))
    assert first != validation_names(given, seen, 10, None, seed=2)


@pytest.mark.parametrize("seed", range(5))
def test_each_stratum_has_its_share(seed: int) -> None:
    given = samples(("cat", 60), ("dog", 30), ("bird", 10))
    names = validation_names(given, thumbnails(100), 20, None, seed)
    counts = Counter(name.partition("_")[0] for name in names)
    assert len(names) == 20
    assert counts == {"cat": pytest.approx(12, abs=1), "dog": pytest.approx(6, abs=1), "bird": pytest.approx(2, abs=1)}


def test_only_masks_of_the_asked_kind_are_chosen() -> None:
    given = samples(("cat", 20)) + samples(("wild", 20), mask_kind="outline")
    names = validation_names(given, thumbnails(40), 12, "own", seed=0)
    assert len(names) == 12
    assert all(name.startswith("cat") for name in names)


def test_near_duplicates_come_along() -> None:
    given = samples(("cat", 20)) + samples(("wild", 20), mask_kind="outline")
    seen = thumbnails(40)
    seen[20:] = np.clip(seen[:20].astype(int) + 3, 0, 255)  # each wild one is a cat, a little brighter
    names = validation_names(given, seen, 5, "own", seed=0)
    cats = {name.removeprefix("cat_") for name in names if name.startswith("cat")}
    assert len(cats) == 5
    assert {name.removeprefix("wild_") for name in names if name.startswith("wild")} == cats


def test_a_group_comes_along() -> None:
    given = [replace(sample, group=f"video{i // 4}") for i, sample in enumerate(samples(("cat", 20), ("dog", 20)))]
    names = set(validation_names(given, thumbnails(40), 6, None, seed=3))
    assert len(names) == 8
    for video in range(10):
        assert len(names & {sample.name for sample in given if sample.group == f"video{video}"}) in (0, 4)


def test_what_must_stay_together() -> None:
    seen = thumbnails(6)
    seen[5] = seen[0]
    groups = ["", "a", "b", "a", "", "b"]
    assert inseparable(groups, seen).tolist() == [0, 1, 0, 1, 4, 0]  # the last ties 0 to its group
    assert inseparable(groups, None).tolist() == [0, 1, 2, 1, 4, 2]


@pytest.mark.parametrize(
    ("count", "kind", "message"),
    [
        (30, None, "validation_pictures 30: 30 pictures, 30 of them eligible"),
        (11, "outline", "validation_pictures 11: 30 pictures, 10 of them eligible"),
        (1, "hand", "0 of them eligible; ask for fewer"),
    ],
)
def test_too_few_thumbnails(count: int, kind: str | None, message: str) -> None:
    given = samples(("cat", 20)) + samples(("wild", 10), mask_kind="outline")
    with pytest.raises(TrainingError, match=message):
        validation_names(given, thumbnails(30), count, kind, seed=0)


def test_one_picture_many_times_cannot_be_split() -> None:
    with pytest.raises(TrainingError, match="tie all pictures together; none is left to train on"):
        validation_names(samples(("cat", 8)), thumbnails(1).repeat(8, axis=0), 2, None, seed=0)


def test_every_beginning_of_the_order_holds_each_stratum_in_its_share() -> None:
    strata = ["a"] * 60 + ["b"] * 30 + ["c"] * 10
    order = stratified_order(strata, seed=4)
    assert sorted(order) == list(range(100))
    for count in (10, 33, 70):
        counts = Counter(strata[position] for position in order[:count])
        assert [counts[s] for s in "abc"] == pytest.approx([0.6 * count, 0.3 * count, 0.1 * count], abs=1)


THREE = {"trainval": 0.75, "validation": 0.1, "test": 0.15}


def test_single_pictures_are_divided_exactly() -> None:
    strata = ["cat"] * 120 + ["dog"] * 80
    parts = divide(np.arange(200), strata, THREE, seed=1)
    assert list(parts) == ["trainval", "validation", "test"]
    assert {split: len(indices) for split, indices in parts.items()} == {"trainval": 150, "validation": 20, "test": 30}
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(200))
    for indices in parts.values():
        cats = sum(strata[i] == "cat" for i in indices.tolist())
        assert cats == pytest.approx(0.6 * len(indices), abs=1.5)
    again = divide(np.arange(200), strata, THREE, seed=1)
    assert all(np.array_equal(parts[split], again[split]) for split in parts)
    assert not np.array_equal(parts["test"], divide(np.arange(200), strata, THREE, seed=2)["test"])


@pytest.mark.parametrize("seed", range(6))
def test_units_stay_whole_and_shares_are_met_as_well_as_they_allow(seed: int) -> None:
    sizes = np.random.default_rng(seed).integers(1, 40, 60)
    units = np.repeat(np.arange(60), sizes)
    parts = divide(units, [""] * len(units), THREE, seed)
    found = {split: set(units[indices].tolist()) for split, indices in parts.items()}
    assert sum(map(len, found.values())) == 60
    assert set.union(*found.values()) == set(range(60))
    for split, share in THREE.items():
        assert len(parts[split]) / len(units) == pytest.approx(share, abs=0.02)


def test_every_list_gets_a_unit_even_if_all_are_large() -> None:
    units = np.repeat([0, 1, 2], [100, 90, 80])
    for seed in range(4):
        parts = divide(units, [""] * 270, THREE, seed)
        assert sorted(len(indices) for indices in parts.values()) == [80, 90, 100]
        assert len(parts["validation"]) == 80  # the smallest: the share is the smallest


def test_a_large_list_leaves_units_for_the_others() -> None:
    parts = divide(np.array([0, 1, 1, 2]), [""] * 4, {"trainval": 0.01, "validation": 0.98, "test": 0.01}, seed=0)
    assert all(len(indices) for indices in parts.values())


def test_too_few_units() -> None:
    message = "2 inseparable unit.s. of 5 pictures cannot be divided into 3 lists"
    with pytest.raises(TrainingError, match=message):
        divide(np.array([0, 0, 2, 2, 2]), [""] * 5, THREE, seed=0)
