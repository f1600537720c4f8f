import io
import json
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from app.core.errors import AnswerTooLargeError, InvalidParameterError
from app.core.labels import Label, LabelMap
from app.imaging.geometry import Geometry
from app.imaging.probabilities import ResizedProbabilities
from app.imaging.windows import View
from app.inference.answers import MEDIA_TYPES, Output, ProbabilitiesSize, SegmentOptions, encode_answer
from app.inference.engine import Probabilities
from app.inference.loaded import ModelIdentity
from tests.fixtures.tiny_model import TINY_LABELS
from tests.inference.pictures import Pixels, chelsea

IDENTITY = ModelIdentity("pets", 3, "ab" * 32, "openvino", "f32")
SAME = Geometry((4, 6), (4, 6), "stretch")
WHOLE = View((32, 32), "stretch")


def quarters() -> Probabilities:
    """(4, 6, 3): pet in the left third with .8, border in row 3 of the rest with .5, else background with .9."""
    probabilities = np.tile(np.array([0.05, 0.9, 0.05], np.float32), (4, 6, 1))
    probabilities[3] = (0.25, 0.25, 0.5)
    probabilities[:, :2] = (0.8, 0.1, 0.1)
    return probabilities


def answer(options: SegmentOptions, pixels: Pixels | None = None) -> bytes:
    return encode_answer(options, ResizedProbabilities(quarters(), SAME), TINY_LABELS, IDENTITY, pixels)


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def test_every_output_has_its_media_type() -> None:
    assert set(MEDIA_TYPES) == set(get_args(Output))


def test_mask() -> None:
    mask = np.asarray(opened(answer(SegmentOptions("mask"))))
    assert mask.tolist() == [[0, 0, 1, 1, 1, 1]] * 3 + [[0, 0, 2, 2, 2, 2]]


def test_classes_and_threshold_reach_the_mask() -> None:
    mask = np.asarray(opened(answer(SegmentOptions("mask", classes=("pet", "border"), threshold=0.6))))
    assert mask.tolist() == [[0, 0, 255, 255, 255, 255]] * 4


def test_overlay_tints_the_picture() -> None:
    pixels = chelsea(4, 6)
    overlay = opened(answer(SegmentOptions("overlay"), pixels))
    assert (overlay.format, overlay.size, overlay.mode) == ("PNG", (6, 4), "RGB")
    drawn = np.asarray(overlay)
    assert np.array_equal(drawn[0, 5], pixels[0, 5])  # background
    assert not np.array_equal(drawn[0, 0], pixels[0, 0])


def test_cutout_has_the_foregrounds_probability_as_alpha() -> None:
    pixels = chelsea(4, 6)
    cutout = np.asarray(opened(answer(SegmentOptions("cutout"), pixels)))
    assert cutout.shape == (4, 6, 4)
    expected = {(0, 0): 0.8 + 0.05, (0, 5): 0.05 + 0.025, (3, 5): 0.25 + 0.25}
    for position, alpha in expected.items():
        assert cutout[(*position, 3)] == pytest.approx(255 * alpha, abs=0.6)


@pytest.mark.parametrize(("size", "shape"), [("model", (4, 6, 3)), ("original", (10, 9, 3))])
def test_probabilities(size: ProbabilitiesSize, shape: tuple[int, int, int]) -> None:
    geometry = Geometry((10, 9), (4, 6), "stretch")
    options = SegmentOptions("probabilities", size=size)
    probabilities = ResizedProbabilities(quarters(), geometry)
    array = np.load(io.BytesIO(encode_answer(options, probabilities, TINY_LABELS, IDENTITY, None)))
    assert (array.shape, array.dtype) == (shape, np.float16)
    assert array.sum(axis=-1, dtype=np.float32) == pytest.approx(1.0, abs=2e-3)
    assert array[0, 0] == pytest.approx([0.8, 0.1, 0.1], abs=1e-3)


def test_json_is_what_the_wire_format_says() -> None:
    body = json.loads(answer(SegmentOptions("json", classes=("pet", "background"))))
    assert list(body) == ["model", "size", "classes", "undecided"]
    assert body["model"] == {
        "name": "pets", "version": 3, "sha256": "ab" * 32, "engine": "openvino", "precision": "f32"
    }  # fmt: skip
    assert body["size"] == [4, 6]
    pet, background, border = body["classes"]
    assert pet == {
        "id": 0,
        "name": "pet",
        "pixels": 8,
        "share": pytest.approx(8 / 24),
        "mean_confidence": pytest.approx(0.8),
        "bbox": [0, 0, 2, 4],
        "rle": {"size": [4, 6], "counts": "08`0"},
    }
    assert (background["pixels"], background["bbox"]) == (12, [2, 0, 4, 3])
    assert border == {
        "id": 2, "name": "border", "pixels": 0, "share": 0.0, "mean_confidence": None, "bbox": None, "rle": None
    }  # fmt: skip
    assert body["undecided"] == {"pixels": 4, "share": pytest.approx(4 / 24)}


@pytest.mark.parametrize(
    ("options", "parameter"),
    [
        (SegmentOptions(threshold=1.5), "threshold"),
        (SegmentOptions(threshold=-0.1), "threshold"),
        (SegmentOptions(threshold=float("nan")), "threshold"),
        (SegmentOptions(tile=31), "tile"),
        (SegmentOptions(classes=()), "classes"),
        (SegmentOptions(classes=("pet", "dog")), "classes"),
    ],
)
def test_impossible_options_name_the_parameter(options: SegmentOptions, parameter: str) -> None:
    with pytest.raises(InvalidParameterError) as raised:
        options.require_possible(TINY_LABELS, WHOLE)
    assert raised.value.parameter == parameter


def test_a_network_with_windows_of_its_own_takes_no_others() -> None:
    SegmentOptions(tile=64).require_possible(TINY_LABELS, WHOLE)
    with pytest.raises(InvalidParameterError, match="tile: this model sees windows of its own, 48×32"):
        SegmentOptions(tile=64).require_possible(TINY_LABELS, View((32, 48), "crop"))


def test_windows_have_a_bound() -> None:
    options, view = SegmentOptions(tile=32), View((32, 32), "stretch", 32)
    options.require_few_windows(view, (768, 700))
    with pytest.raises(InvalidParameterError, match="tile: 1,089 windows of 32 pixels in 800×800, more than 1,024"):
        options.require_few_windows(view, (800, 800))
    SegmentOptions().require_few_windows(View((32, 32), "crop"), (5000, 5000))  # bound by the pixels of a picture


def test_a_cutout_needs_a_foreground() -> None:
    plain = LabelMap((Label(0, "sky", (0, 0, 255)), Label(1, "sea", (0, 255, 0))))
    with pytest.raises(InvalidParameterError, match="foreground"):
        SegmentOptions("cutout").require_possible(plain, WHOLE)
    SegmentOptions("cutout", classes=("pet",), threshold=1.0).require_possible(TINY_LABELS, WHOLE)


@pytest.mark.parametrize(
    ("options", "largest_array"),
    [
        (SegmentOptions("mask"), 1000 * 700),
        (SegmentOptions("json"), 1000 * 700),
        (SegmentOptions("overlay"), 1000 * 700 * 3),
        (SegmentOptions("cutout"), 1000 * 700 * 4),
        (SegmentOptions("probabilities", size="original"), 1000 * 700 * 3 * 4),
        (SegmentOptions("probabilities", size="model"), 32 * 32 * 3 * 4),
    ],
)
def test_what_does_not_fit_is_refused(options: SegmentOptions, largest_array: int) -> None:
    geometry = Geometry((700, 1000), (32, 32), "stretch")
    options.require_affordable(geometry, 3, limit=largest_array)
    with pytest.raises(AnswerTooLargeError, match=str(largest_array)):
        options.require_affordable(geometry, 3, limit=largest_array - 1)
