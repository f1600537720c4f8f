import numpy as np
import pytest

from app.training import near_duplicates
from app.training.near_duplicates import connected, near_duplicate_groups, near_pairs, thumbnail
from tests.training.drawn_pets import Array

PLANES = 20 * np.arange(8, dtype=np.int64)[:, np.newaxis] + np.zeros((8, 9), np.int64)
"""Cells that get brighter downwards, and are alike from left to right."""


def pictures(count: int) -> Array:
    return np.random.default_rng(7).integers(0, 256, (count, 9, 9, 3), np.uint8).repeat(4, axis=1).repeat(4, axis=2)


def groups(pixels: Array) -> list[int]:
    found: list[int] = near_duplicate_groups(np.stack([thumbnail(picture) for picture in pixels])).tolist()
    return found


def pairs(thumbnails: Array) -> list[tuple[int, int]]:
    return [(one, other) for portion in near_pairs(thumbnails) for one, other in portion.tolist()]


def with_bits(count: int) -> Array:
    """A thumbnail in which so many cells are brighter than the one to their left."""
    rising = np.zeros((8, 9), int)
    rising[:, 1:] = (np.arange(64) < count).reshape(8, 8)
    cells: Array = (PLANES + 40 + np.cumsum(rising * 2 - 1, axis=1)).astype(np.uint8)
    return cells


def test_a_thumbnail_holds_mean_grey_values() -> None:
    picture = np.zeros((80, 90, 3), np.uint8)
    picture[:10, :10] = 200
    assert thumbnail(picture).shape == (8, 9)
    assert thumbnail(picture)[0, 0] == 200
    assert thumbnail(picture).sum() == 200


def test_near_duplicates_share_a_group() -> None:
    pixels = pictures(6)
    pixels[4] = pixels[1] // 2 + 40  # another exposure
    noise = np.random.default_rng(0).normal(0, 2, pixels[2].shape)
    pixels[5] = np.clip(pixels[2] + noise, 0, 255)
    assert groups(pixels) == [0, 1, 2, 3, 1, 2]


def test_hashes_may_differ_in_six_bits() -> None:
    assert pairs(np.stack([with_bits(0), with_bits(6)])) == [(0, 1)]
    assert pairs(np.stack([with_bits(0), with_bits(7)])) == []


def test_hashes_alike_by_chance_are_not_enough() -> None:
    one = np.full((8, 9), 100, np.uint8)
    one[2] = np.arange(9) * 20
    other = np.full((8, 9), 100, np.uint8)
    other[2] = 90
    other[2, 1:] += np.arange(8, dtype=np.uint8)
    assert pairs(np.stack([one, one // 2])) == [(0, 1)]
    assert pairs(np.stack([one, other])) == []


def test_flat_pictures_are_near_to_none() -> None:
    assert pairs(np.stack([np.full((8, 9), grey, np.uint8) for grey in (0, 0, 128, 255)])) == []


def test_groups_that_a_picture_ties_together_become_one() -> None:
    first, second, third = with_bits(0), with_bits(12), with_bits(6)
    assert near_duplicate_groups(np.stack([first, second])).tolist() == [0, 1]  # 12 bits apart
    assert near_duplicate_groups(np.stack([first, second, third])).tolist() == [0, 0, 0]  # the third lies 6 from either


def test_pairs_are_found_over_the_edges_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    thumbnails = np.random.default_rng(0).integers(0, 256, (40, 8, 9), np.uint8)
    thumbnails[33], thumbnails[39], thumbnails[21] = thumbnails[2], thumbnails[2], thumbnails[20]
    expected = [(2, 33), (2, 39), (20, 21), (33, 39)]
    assert pairs(thumbnails) == expected
    monkeypatch.setattr(near_duplicates, "ROWS", 7)
    assert pairs(thumbnails) == expected
    assert list(near_pairs(thumbnails[:0])) == []


def test_connected_things_share_their_least_index() -> None:
    portions = [np.array([(5, 6), (3, 4)]), np.array([(4, 5), (0, 9)]), np.zeros((0, 2), int)]
    assert connected(10, portions).tolist() == [0, 1, 2, 3, 3, 3, 3, 7, 8, 0]
    assert connected(3, []).tolist() == [0, 1, 2]


@pytest.mark.parametrize("seed", range(5))
def test_connected_in_any_order_and_portions(seed: int) -> None:
    random = np.random.default_rng(seed)
    chain = random.permutation(60)
    links = random.permutation(np.stack([chain[:-1], chain[1:]], axis=1))
    links = links[(links != chain[30]).all(axis=1)]  # one taken out: two chains, and one thing alone
    group = connected(60, np.array_split(links, 7))
    expected = np.empty(60, int)
    for part in (chain[:30], chain[30:31], chain[31:]):
        expected[part] = part.min()
    assert group.tolist() == expected.tolist()
