from collections import Counter

import numpy as np
import pytest

from app.training import draw as module
from app.training.config import AugmentationConfig
from app.training.draw import Draw, Sampler, draw_affine, draw_boxes, draw_colour

GROUPS = ["oxford"] * 12 + ["feral"] * 7 + ["kitty"] * 3
SHARES = {"oxford": 0.65, "feral": 0.28, "kitty": 0.07}
STILL = AugmentationConfig(rotation=0, flip=0)


def sampler(seed: int = 3, shares: dict[str, float] | None = None, batch_size: int = 4) -> Sampler:
    return Sampler(GROUPS, SHARES if shares is None else shares, batch_size, seed, AugmentationConfig())


def equal(one: Draw, other: Draw) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("chosen", "affine", "colour"))


def test_a_draw_is_a_batch() -> None:
    draw = sampler().draw(0)
    assert (draw.chosen.shape, draw.affine.shape, draw.colour.shape) == ((4,), (4, 2, 3), (4, 6))
    assert draw.chosen.dtype == np.int32
    assert draw.affine.dtype == draw.colour.dtype == np.float32


def test_seed_and_step_determine_everything() -> None:
    one, other = sampler(), sampler()
    forwards = [one.draw(step) for step in range(60)]
    order = np.random.default_rng(0).permutation(60).tolist()
    shuffled = {step: other.draw(step) for step in order}
    assert all(equal(draw, shuffled[step]) for step, draw in enumerate(forwards))
    assert equal(sampler().draw(47), forwards[47])  # what a resumed run draws first


def test_counting_in_chunks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = sampler().draw(50)
    monkeypatch.setattr(module, "CHUNK", 7)
    assert equal(sampler().draw(50), expected)


def test_seeds_and_steps_differ() -> None:
    draws = [sampler(seed).draw(step) for seed in (0, 1, 2**62) for step in (0, 1, 1000)]
    assert not any(equal(a, b) for i, a in enumerate(draws) for b in draws[:i])
    assert len({draw.affine.tobytes() for draw in draws}) == len({draw.colour.tobytes() for draw in draws}) == 9


def test_each_group_has_its_share() -> None:
    drawn = sampler()
    counts = Counter(GROUPS[index] for step in range(1000) for index in drawn.draw(step).chosen)
    assert {name: counts[name] / 4000 for name in SHARES} == pytest.approx(SHARES, abs=0.01)


def test_shares_are_relative_and_hold_in_every_stretch() -> None:
    drawn = sampler(shares={"oxford": 6, "kitty": 2})
    for start in (0, 100, 333):
        counts = Counter(GROUPS[index] for step in range(start, start + 25) for index in drawn.draw(step).chosen)
        assert set(counts) == {"oxford", "kitty"}
        assert counts["oxford"] == pytest.approx(75, abs=2)


def test_a_group_without_a_share_is_never_drawn() -> None:
    for shares in ({"feral": 0.0, "kitty": 0.5, "oxford": 0.5}, {"feral": 1.0, "kitty": 1.0, "oxford": 0.0}):
        drawn = sampler(shares=shares)
        names = {GROUPS[index] for step in range(200) for index in drawn.draw(step).chosen}
        assert names == {name for name, share in shares.items() if share}


@pytest.mark.parametrize("shares", [SHARES, {}], ids=["groups", "all alike"])
def test_every_picture_has_its_turn_before_any_second(shares: dict[str, float]) -> None:
    drawn = sampler(shares=shares)
    chosen = [int(index) for step in range(300) for index in drawn.draw(step).chosen]
    for members in [[i for i, name in enumerate(GROUPS) if name == group] for group in shares] or [[*range(22)]]:
        turns = [index for index in chosen if index in members]
        passes = [turns[i : i + len(members)] for i in range(0, len(turns) - len(members) + 1, len(members))]
        assert len(passes) > 5
        assert all(sorted(one) == members for one in passes)
        assert len({tuple(one) for one in passes}) > 3  # each in another order


def test_a_batch_may_be_larger_than_the_data_set() -> None:
    drawn = Sampler(["a", "a"], {}, batch_size=5, seed=0, augmentation=STILL)
    assert Counter(drawn.draw(0).chosen.tolist()).most_common(1)[0][1] == 3


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        (
            {"oxford": 1.0, "lions": 0.5},
            "no training picture in group.s. lions; there are .'feral', 'kitty', 'oxford'.",
        ),
        ({"oxford": 0.0}, "above zero"),
    ],
)
def test_impossible_shares(shares: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sampler(shares=shares)


def corners(
    affine: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Where the corners of the output lie in the source, (count, 2, 4): x and y, 0–1 inside."""
    square = np.array([[-0.5, 0.5, -0.5, 0.5], [-0.5, -0.5, 0.5, 0.5], [1, 1, 1, 1]], np.float32)
    return affine @ square


def test_a_smaller_view_lies_inside_the_picture() -> None:
    ranges = AugmentationConfig(scale_min=0.3, scale_max=0.9, aspect=1.2, rotation=0)
    seen = corners(draw_affine(np.random.default_rng(0), 2000, ranges))
    assert seen.min() > -1e-6
    assert seen.max() < 1 + 1e-6
    assert (seen.min(), seen.max()) == pytest.approx((0, 1), abs=0.01)  # and reaches every part of it


def test_a_larger_view_contains_the_picture() -> None:
    ranges = AugmentationConfig(scale_min=1.1, scale_max=2, aspect=1, rotation=0)
    seen = corners(draw_affine(np.random.default_rng(0), 2000, ranges))
    assert seen.min(axis=-1).max() < 1e-6
    assert seen.max(axis=-1).min() > 1 - 1e-6


def test_a_view_is_a_part_of_what_is_stored() -> None:
    whole = draw_affine(np.random.default_rng(0), 500, STILL)
    part = draw_affine(np.random.default_rng(0), 500, STILL, view=0.5)
    np.testing.assert_allclose(part[:, :, :2], whole[:, :, :2] / 2, rtol=1e-5)
    seen = corners(part)
    assert (seen.min(), seen.max()) == pytest.approx((0, 1), abs=0.01)  # it still reaches every part


def test_zoom_aspect_and_flip_keep_to_their_ranges() -> None:
    ranges = AugmentationConfig(scale_min=0.5, scale_max=1.5, aspect=1.44, rotation=0, flip=0.3)
    affine = draw_affine(np.random.default_rng(0), 5000, ranges)
    assert not affine[:, 0, 1].any()
    assert not affine[:, 1, 0].any()
    width, height = affine[:, 0, 0], affine[:, 1, 1]
    assert (width < 0).mean() == pytest.approx(0.3, abs=0.03)
    zoom, aspect = np.sqrt(np.abs(width) * height), np.abs(width) / height
    assert (zoom.min(), zoom.max()) == pytest.approx((0.5, 1.5), abs=0.01)
    assert (aspect.min(), aspect.max()) == pytest.approx((1 / 1.44, 1.44), abs=0.01)


def test_rotation_keeps_to_its_range_and_shape() -> None:
    ranges = AugmentationConfig(scale_min=0.8, scale_max=0.8, aspect=1, rotation=25, flip=0)
    affine = draw_affine(np.random.default_rng(0), 2000, ranges)
    angle = np.rad2deg(np.arctan2(affine[:, 1, 0], affine[:, 0, 0]))
    assert (angle.min(), angle.max()) == pytest.approx((-25, 25), abs=0.2)
    turned = affine[:, :, :2] / 0.8
    assert np.allclose(turned @ turned.transpose(0, 2, 1), np.eye(2), atol=1e-5)  # no shear


def test_no_range_no_change() -> None:
    ranges = AugmentationConfig(
        scale_min=1, scale_max=1, aspect=1, rotation=0, flip=0, brightness=0, contrast=0, saturation=0, white_balance=0
    )
    random = np.random.default_rng(0)
    assert np.allclose(draw_affine(random, 9, ranges), [[1, 0, 0.5], [0, 1, 0.5]])
    assert np.array_equal(draw_colour(random, 9, ranges), np.tile([0, 1, 1, 1, 1, 1], (9, 1)))


def test_colours_keep_to_their_ranges() -> None:
    ranges = AugmentationConfig(brightness=0.1, contrast=0.3, saturation=0.5, white_balance=0.05)
    colour = draw_colour(np.random.default_rng(0), 4000, ranges)
    spread = [25.5, 0.3, 0.5, 0.05, 0.05, 0.05]
    centre = np.array([0, 1, 1, 1, 1, 1])
    assert np.abs(colour - centre).max(axis=0) == pytest.approx(spread, rel=0.01)
    assert colour.mean(axis=0) == pytest.approx(centre, abs=0.6)


def test_rectangles_lie_in_the_picture_and_take_up_to_half_of_it() -> None:
    boxes = draw_boxes(np.random.default_rng(0), 4000, 0.5)
    assert boxes.dtype == np.float32
    assert (boxes >= 0).all()
    assert (boxes <= 1).all()
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    empty = width * height == 0
    assert empty.mean() == pytest.approx(0.5, abs=0.03)
    area, ratio = (width * height)[~empty], width[~empty] / height[~empty]
    assert area.max() == pytest.approx(0.5, abs=0.01)
    assert area.mean() == pytest.approx(0.25, abs=0.01)
    assert (ratio.min(), ratio.max()) == (pytest.approx(0.5, abs=0.01), pytest.approx(2.0, abs=0.01))


def test_no_rectangles_unless_asked_for_and_nothing_else_changes_with_them() -> None:
    plain, mixed = (
        Sampler([""] * 5, {}, 8, 0, AugmentationConfig(cutmix=probability)).draw(3) for probability in (0.0, 1.0)
    )
    assert plain.boxes is None
    assert mixed.boxes is not None
    assert mixed.boxes.shape == (8, 4)
    assert equal(plain, mixed)
