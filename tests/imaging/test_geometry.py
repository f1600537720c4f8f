import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from app.imaging.geometry import PAD, Geometry, ResizeRule, resize_mask, resize_picture, shrunk

sides = st.integers(1, 90)
rules = st.sampled_from(["stretch", "letterbox"])


@pytest.mark.parametrize(
    ("source", "rule", "content"),
    [
        ((300, 400), "stretch", (0, 0, 160, 160)),
        ((300, 400), "letterbox", (20, 0, 120, 160)),
        ((400, 300), "letterbox", (0, 20, 160, 120)),
        ((160, 160), "letterbox", (0, 0, 160, 160)),
        ((1, 65_000), "letterbox", (79, 0, 1, 160)),
        ((65_000, 1), "letterbox", (0, 79, 160, 1)),
        ((1, 1), "letterbox", (0, 0, 160, 160)),
        ((160, 160), "crop", (0, 0, 160, 160)),
        ((31, 160), "crop", (64, 0, 31, 160)),
    ],
)
def test_content(source: tuple[int, int], rule: ResizeRule, content: tuple[int, int, int, int]) -> None:
    assert Geometry(source, (160, 160), rule).content == content


@given(source=st.tuples(sides, sides), target=st.tuples(sides, sides))
def test_letterbox_lies_inside_centred_and_keeps_the_aspect(source: tuple[int, int], target: tuple[int, int]) -> None:
    top, left, height, width = Geometry(source, target, "letterbox").content
    below, right = target[0] - top - height, target[1] - left - width
    assert min(top, left, below, right) >= 0
    assert min(height, width) >= 1
    assert max(below - top, right - left) <= 1
    assert height == target[0] or width == target[1]
    scale = min(target[0] / source[0], target[1] / source[1])
    assert abs(max(1.0, source[0] * scale) - height) <= 0.5
    assert abs(max(1.0, source[1] * scale) - width) <= 0.5


def test_what_cannot_be() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Geometry((0, 5), (160, 160), "stretch")
    with pytest.raises(ValueError, match="zoom"):
        Geometry((5, 5), (160, 160), "zoom")  # type: ignore[arg-type]  # what an unchecked caller could pass
    with pytest.raises(ValueError, match="does not fit"):
        Geometry((161, 5), (160, 160), "crop")


@pytest.mark.parametrize(
    ("source", "target"),
    [((400, 300), (320, 240)), ((300, 400), (240, 320)), ((100, 50), (100, 50)), ((3000, 2), (320, 1))],
)
def test_shrunk_to_a_longest_side(source: tuple[int, int], target: tuple[int, int]) -> None:
    assert shrunk(source, 320) == Geometry(source, target, "stretch")


def test_stretched_picture_is_pillows_antialiased_one(photograph: NDArray[np.uint8]) -> None:
    resized = resize_picture(photograph, Geometry((300, 451), (96, 128), "stretch"))
    pillow = np.asarray(Image.fromarray(photograph).resize((128, 96), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(resized, pillow)


def test_letterboxed_picture_is_padded_with_grey(photograph: NDArray[np.uint8]) -> None:
    resized = resize_picture(photograph, Geometry((300, 451), (128, 128), "letterbox"))
    top, _, height, _ = Geometry((300, 451), (128, 128), "letterbox").content
    assert (resized[:top] == PAD).all()
    assert (resized[top + height :] == PAD).all()
    pillow = np.asarray(Image.fromarray(photograph).resize((128, height), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(resized[top : top + height], pillow)


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_reduced_picture_is_not_shifted(scale: int) -> None:
    # As a JPEG decoder reduces: the last column is there, though only part of it belongs to the picture.
    ramp = np.broadcast_to(np.arange(0.0, 250.0, 2.0)[np.newaxis, :, np.newaxis], (16, 125, 3))
    padded = np.pad(ramp, ((0, 0), (0, -125 % scale), (0, 0)), mode="edge")
    reduced = padded.reshape(16 // scale, scale, -1, scale, 3).mean(axis=(1, 3))
    geometry = Geometry((16, 125), (16, 25), "stretch")
    whole = resize_picture(ramp.astype(np.uint8), geometry)
    found = resize_picture(np.rint(reduced).astype(np.uint8), geometry)
    assert np.abs(found[:, 2:-2].astype(int) - whole[:, 2:-2]).max() <= 1


def test_pixels_of_another_picture_are_refused() -> None:
    geometry = Geometry((100, 100), (16, 16), "stretch")
    for shape in ((99, 100), (50, 100), (33, 33)):
        with pytest.raises(ValueError, match="for a picture of"):
            resize_picture(np.zeros((*shape, 3), np.uint8), geometry)
    with pytest.raises(ValueError, match="for a picture of"):
        resize_mask(np.zeros((50, 50), np.uint8), geometry)


@given(source=st.tuples(sides, sides), target=st.tuples(sides, sides), rule=rules)
@settings(deadline=None)
def test_resized_mask_holds_no_new_class(source: tuple[int, int], target: tuple[int, int], rule: ResizeRule) -> None:
    geometry = Geometry(source, target, rule)
    mask = np.random.default_rng(source[0]).choice(np.array([0, 3, 7], np.uint8), source)
    resized = resize_mask(mask, geometry, fill=200)
    top, left, height, width = geometry.content
    beside = np.ones(target, np.bool_)
    beside[top : top + height, left : left + width] = False
    assert (resized[beside] == 200).all()
    assert set(np.unique(resized[~beside])) <= {0, 3, 7}


def test_enlarged_mask_reduces_to_itself() -> None:
    mask = np.arange(12, dtype=np.uint8).reshape(3, 4)
    enlarged = resize_mask(mask, Geometry((3, 4), (15, 20), "stretch"))
    np.testing.assert_array_equal(enlarged, np.kron(mask, np.ones((5, 5), np.uint8)))
    np.testing.assert_array_equal(resize_mask(enlarged, Geometry((15, 20), (3, 4), "stretch")), mask)
