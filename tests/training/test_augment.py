import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from keras import ops

from app.core.labels import UNDECIDED
from app.imaging.geometry import PAD
from app.training.augment import Augmenter, recolour
from app.training.config import AugmentationConfig
from app.training.draw import Draw, draw_affine
from tests.training.drawn_pets import Array

SIDE = 32
IDENTITY = [[1.0, 0.0, 0.5], [0.0, 1.0, 0.5]]
NEUTRAL = [0.0, 1.0, 1.0, 1.0, 1.0, 1.0]


def pictures_and_masks(count: int = 3) -> tuple[Array, Array]:
    random = np.random.default_rng(1)
    pictures = random.integers(0, 256, (count, SIDE, SIDE, 3), np.uint8)
    return pictures, random.integers(0, 3, (count, SIDE, SIDE), np.uint8)


def drawn(affine: Any, colour: Any = NEUTRAL, chosen: tuple[int, ...] = (0,)) -> Draw:
    maps = np.broadcast_to(np.asarray(affine, np.float32), (len(chosen), 2, 3))
    return Draw(np.array(chosen, np.int32), maps, np.tile(np.array(colour, np.float32), (len(chosen), 1)))


def batch(augmenter: Augmenter, draw: Draw) -> tuple[Array, Array]:
    pictures, masks = augmenter.batch(draw)
    return ops.convert_to_numpy(pictures), ops.convert_to_numpy(masks)


def test_nothing_to_change_gives_the_stored_picture_exactly() -> None:
    pictures, masks = pictures_and_masks()
    seen, labels = batch(Augmenter(pictures, masks, SIDE), drawn(IDENTITY, chosen=(2, 0, 2)))
    assert seen.dtype == np.float32
    assert labels.dtype == np.uint8
    assert np.abs(seen - pictures[[2, 0, 2]]).max() < 1e-3  # in float32 a neutral colour change rounds
    assert np.array_equal(np.rint(seen), pictures[[2, 0, 2]])
    assert np.array_equal(labels, masks[[2, 0, 2]])


def test_flip_is_a_flip() -> None:
    pictures, masks = pictures_and_masks()
    seen, labels = batch(Augmenter(pictures, masks, SIDE), drawn([[-1, 0, 0.5], [0, 1, 0.5]]))
    assert np.array_equal(np.rint(seen[0]), pictures[0, :, ::-1])
    assert np.array_equal(labels[0], masks[0, :, ::-1])


def test_a_quarter_turn_is_a_quarter_turn() -> None:
    pictures, masks = pictures_and_masks()
    seen, labels = batch(Augmenter(pictures, masks, SIDE), drawn([[0, -1, 0.5], [1, 0, 0.5]]))
    assert np.array_equal(np.rint(seen[0]), np.rot90(pictures[0]))
    assert np.array_equal(labels[0], np.rot90(masks[0]))


def test_halving_averages_pictures() -> None:
    pictures, masks = pictures_and_masks()
    seen, _ = batch(Augmenter(pictures, masks, SIDE // 2), drawn(IDENTITY))
    mean = pictures[0].reshape(SIDE // 2, 2, SIDE // 2, 2, 3).mean(axis=(1, 3))
    assert np.abs(seen[0] - mean).max() < 1e-3


def test_outside_is_grey_and_undecided_whatever_the_colour() -> None:
    pictures, masks = pictures_and_masks()
    colour = [20.0, 0.8, 0.5, 1.1, 0.9, 1.0]
    seen, labels = batch(Augmenter(pictures, masks, SIDE), drawn([[2, 0, 0.5], [0, 2, 0.5]], colour))
    outside = np.ones((SIDE, SIDE), bool)
    outside[SIDE // 4 : -SIDE // 4, SIDE // 4 : -SIDE // 4] = False
    assert (seen[0][outside] == PAD).all()
    assert np.array_equal(labels[0] == UNDECIDED, outside)
    assert set(np.unique(labels[0][~outside])) == {0, 1, 2}


def test_picture_and_mask_stay_together() -> None:
    y, x = np.mgrid[:64, :64]
    mask = (np.hypot((y - 30) / 14, (x - 36) / 20) < 1).astype(np.uint8)
    picture = np.repeat(mask[..., None] * np.uint8(255), 3, axis=-1)
    ranges = AugmentationConfig(scale_min=0.6, scale_max=1.3, rotation=40, aspect=1.5)
    count = 24
    draw = Draw(
        chosen=np.zeros(count, np.int32),
        affine=draw_affine(np.random.default_rng(2), count, ranges),
        colour=np.tile(np.array(NEUTRAL, np.float32), (count, 1)),
    )
    seen, labels = batch(Augmenter(picture[None], mask[None], 64), draw)
    inside = labels != UNDECIDED
    assert (labels == 1).mean() > 0.1
    assert not inside.all()
    differ = ((seen[..., 0] > 127.5) != (labels == 1)) & inside
    assert differ.mean() < 0.02
    for one, wrong in zip(labels == 1, differ, strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(one, 2, mode="edge"), (5, 5))
        assert not (wrong & (windows.all(axis=(2, 3)) | ~windows.any(axis=(2, 3)))).any()  # only along the rim


def test_a_rectangle_shows_the_picture_before_and_its_mask() -> None:
    pictures, masks = pictures_and_masks()
    draw = drawn(IDENTITY, chosen=(0, 1, 2))
    boxes = np.array([[0, 0, 0.5, 0.25], [0.25, 0.5, 1, 1], [0.3, 0.3, 0.3, 0.3]], np.float32)
    seen, labels = batch(Augmenter(pictures, masks, SIDE), replace(draw, boxes=boxes))
    expected, truth = pictures[:3].copy(), masks[:3].copy()
    half, quarter = SIDE // 2, SIDE // 4
    expected[0, :quarter, :half], truth[0, :quarter, :half] = pictures[2, :quarter, :half], masks[2, :quarter, :half]
    expected[1, half:, quarter:], truth[1, half:, quarter:] = pictures[0, half:, quarter:], masks[0, half:, quarter:]
    assert np.array_equal(np.rint(seen), expected)
    assert np.array_equal(labels, truth)


def test_with_jax_it_is_one_function() -> None:
    jax = pytest.importorskip("jax", reason="JAX is not installed; with it, Keras computes elsewhere: no dependency")
    code = "import app.training.augment as a; print(type(a.compiled(len)).__name__)"
    jax_backend = os.environ | {"KERAS_BACKEND": "jax"}
    told = subprocess.run([sys.executable, "-c", code], check=True, env=jax_backend, capture_output=True, text=True)
    assert told.stdout.strip() == type(jax.jit(len)).__name__


@pytest.mark.parametrize(
    ("pictures", "masks", "message"),
    [
        ((2, 8, 8, 3), (2, 8, 4), "must be"),
        ((2, 8, 4, 3), (2, 8, 4), "must be"),
        ((2**15, 256, 256, 3), (2**15, 256, 256), "lower `stored_size`"),
    ],
)
def test_arrays_that_do_not_fit(pictures: tuple[int, ...], masks: tuple[int, ...], message: str) -> None:
    nothing = np.uint8(0)
    with pytest.raises(ValueError, match=message):
        Augmenter(np.broadcast_to(nothing, pictures), np.broadcast_to(nothing, masks), 8)


@pytest.mark.parametrize(
    ("colour", "pixel", "expected"),
    [
        (NEUTRAL, (10, 100, 250), (10, 100, 250)),
        ([20, 1, 1, 1, 1, 1], (10, 100, 250), (30, 120, 255)),
        ([-20, 1, 1, 1, 1, 1], (10, 100, 250), (0, 80, 230)),
        ([0, 2, 1, 1, 1, 1], (127.5, 100, 137.5), (127.5, 72.5, 147.5)),
        ([0, 1, 0, 1, 1, 1], (100, 50, 200), (82.05, 82.05, 82.05)),
        ([0, 1, 1, 1.1, 0.9, 1], (100, 50, 200), (110, 45, 200)),
    ],
    ids=["neutral", "brighter", "darker", "contrast", "grey", "white balance"],
)
def test_recolour(colour: list[float], pixel: tuple[float, ...], expected: tuple[float, ...]) -> None:
    pictures = np.full((2, 4, 4, 3), pixel, np.float32)
    seen = ops.convert_to_numpy(recolour(pictures, np.array([colour, NEUTRAL], np.float32)))
    assert np.allclose(seen[0], expected, atol=1e-3)
    assert np.allclose(seen[1], pixel, atol=1e-3)  # each picture its own
