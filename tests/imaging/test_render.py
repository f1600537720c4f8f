from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.core.labels import UNDECIDED, LabelMap
from app.imaging.render import alpha_png, cutout_png, mask_png, overlay_png, probabilities_npy


@pytest.fixture
def mask() -> NDArray[np.uint8]:
    """(300, 451): background, a rectangle of pet with a border of 10 pixels, an undecided strip."""
    classes = np.full((300, 451), 1, np.uint8)
    classes[50:250, 100:300] = 2
    classes[60:240, 110:290] = 0
    classes[:, 440:] = UNDECIDED
    return classes


def opened(png: bytes) -> Image.Image:
    image = Image.open(BytesIO(png))
    assert image.format == "PNG"
    image.load()
    return image


def test_mask_png_holds_ids_and_colours(mask: NDArray[np.uint8], pets: LabelMap) -> None:
    image = opened(mask_png(mask, pets))
    assert image.mode == "P"
    np.testing.assert_array_equal(np.asarray(image), mask)
    shown = np.asarray(image.convert("RGBA"))
    for label in pets:
        assert (shown[mask == label.id] == (*label.colour, 255)).all()
    assert (shown[mask == UNDECIDED][:, 3] == 0).all()


@pytest.mark.parametrize("size", [(1, 1), (65_000, 1), (1, 65_000)])
def test_extreme_masks(pets: LabelMap, size: tuple[int, int]) -> None:
    tall = np.random.default_rng(0).choice(np.array([0, 1, 2, UNDECIDED], np.uint8), size)
    np.testing.assert_array_equal(np.asarray(opened(mask_png(tall, pets))), tall)
    assert opened(overlay_png(np.zeros((*size, 3), np.uint8), tall, pets)).size == size[::-1]


def test_overlay_tints_classes_and_leaves_the_rest(
    mask: NDArray[np.uint8], pets: LabelMap, photograph: NDArray[np.uint8]
) -> None:
    image = opened(overlay_png(photograph, mask, pets, alpha=0.25))
    assert image.mode == "RGB"
    shown = np.asarray(image).astype(int)
    untouched = (mask == 1) | (mask == UNDECIDED)
    np.testing.assert_array_equal(shown[untouched], photograph[untouched])
    inside = np.s_[70:230, 120:280]
    expected = 0.75 * photograph[inside] + 0.25 * np.array(pets.labels[0].colour)
    assert np.abs(shown[inside] - expected).max() <= 1.5


def test_overlay_outlines_classes_in_their_colour(
    mask: NDArray[np.uint8], pets: LabelMap, photograph: NDArray[np.uint8]
) -> None:
    shown = np.asarray(opened(overlay_png(photograph, mask, pets)))
    pet, _, border = (label.colour for label in pets)
    assert (shown[60, 110:290] == pet).all()
    assert (shown[239, 110:290] == pet).all()
    assert (shown[60:240, 110] == pet).all()
    assert (shown[59, 110:290] == border).all()
    assert (shown[50:250, 299] == border).all()
    assert not (shown[100:200, 112:288] == pet).all(axis=-1).any()


def test_overlay_of_a_model_without_roles_tints_every_class(pets: LabelMap) -> None:
    plain = LabelMap(tuple(type(label)(label.id, label.name, label.colour) for label in pets))
    grey = np.full((40, 40, 3), 100, np.uint8)
    shown = np.asarray(opened(overlay_png(grey, np.full((40, 40), 1, np.uint8), plain)))
    assert np.abs(shown.astype(int) - (100 + np.array(pets.labels[1].colour)) / 2).max() <= 1


def test_cutout_keeps_colours_where_they_show_and_hides_the_rest(photograph: NDArray[np.uint8]) -> None:
    alpha = np.zeros((300, 451), np.uint8)
    alpha[100:200, 100:200] = 255
    alpha[200:210, 100:200] = 77
    image = opened(cutout_png(photograph, alpha))
    assert image.mode == "RGBA"
    cutout = np.asarray(image)
    np.testing.assert_array_equal(cutout[..., 3], alpha)
    np.testing.assert_array_equal(cutout[100:210, 100:200, :3], photograph[100:210, 100:200])
    assert not cutout[alpha == 0].any()


def test_a_cutout_may_be_laid_on_a_colour(photograph: NDArray[np.uint8]) -> None:
    alpha = np.linspace(0, 255, photograph.shape[1]).astype(np.uint8) + np.zeros(photograph.shape[:2], np.uint8)
    opaque = np.asarray(opened(cutout_png(photograph, alpha, (10, 200, 30, 255))))
    share = alpha[..., np.newaxis] / 255.0
    expected = photograph * share + np.array([10, 200, 30]) * (1 - share)
    np.testing.assert_allclose(opaque[..., :3], expected, atol=1.0)
    assert (opaque[..., 3] == 255).all()
    plain = opened(cutout_png(photograph, alpha))
    np.testing.assert_array_equal(np.asarray(opened(cutout_png(photograph, alpha, (0, 0, 0, 0)))), np.asarray(plain))


def test_an_alpha_alone_is_grey() -> None:
    alpha = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = opened(alpha_png(alpha))
    assert image.mode == "L"
    np.testing.assert_array_equal(np.asarray(image), alpha)


def test_sizes_must_agree(pets: LabelMap, photograph: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="for a picture of"):
        overlay_png(photograph, np.zeros((10, 10), np.uint8), pets)
    with pytest.raises(ValueError, match="for a picture of"):
        cutout_png(photograph, np.zeros((300, 450), np.uint8))


def test_probabilities_are_float16_in_c_order(probabilities: NDArray[np.float32]) -> None:
    for array in (probabilities, probabilities.transpose(1, 0, 2)):
        loaded = np.load(BytesIO(probabilities_npy(array)), allow_pickle=False)
        assert loaded.dtype == np.float16
        assert loaded.flags.c_contiguous
        np.testing.assert_array_equal(loaded, array.astype(np.float16))
