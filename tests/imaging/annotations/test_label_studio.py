import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.imaging.annotations import label_studio
from app.imaging.annotations.label_studio import brush_prediction, brush_results, brush_rle
from app.imaging.annotations.regions import Regions
from tests.imaging.annotations.drawn import EMPTY, VECTOR, Classes, mask_of, masks


def decoded(rle: list[int], height: int, width: int) -> NDArray[np.uint8]:
    """The picture of a bit stream, (H, W, 4), read bit by bit."""
    bits = "".join(f"{byte:08b}" for byte in rle)
    position = 0

    def read(count: int) -> int:
        nonlocal position
        assert position + count <= len(bits)
        position += count
        return int(bits[position - count : position], 2)

    values = read(32)
    word = read(5) + 1
    sizes = [read(4) + 1 for _ in range(4)]
    pixels: list[int] = []
    while len(pixels) < values:
        repeated = read(1)
        length = read(sizes[read(2)]) + 1
        pixels += [read(word)] * length if repeated else [read(word) for _ in range(length)]
    assert len(pixels) == values == height * width * 4
    assert len(bits) - position <= 8
    return np.array(pixels, np.uint8).reshape(height, width, 4)


@settings(max_examples=60, deadline=None)
@given(masks, st.booleans())
def test_round_trip(classes: Classes, split: bool) -> None:
    regions = Regions(mask_of(classes), split)
    for region, result in zip(regions.all, brush_results(regions), strict=True):
        pixels = decoded(result["value"]["rle"], *classes.shape)
        assert (pixels == pixels[..., :1]).all()
        left, top, width, height = region.bbox
        expected = np.zeros(classes.shape, np.uint8)
        expected[top : top + height, left : left + width] = regions.crop(region) * np.uint8(255)
        assert np.array_equal(pixels[..., 0], expected)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([1, 2, 3, 4, 5, 63, 64, 65, 16_383, 16_384, 16_385, 40_000]), min_size=1, max_size=9))
def test_runs_of_every_size(lengths: list[int]) -> None:
    pixels = decoded(brush_rle(np.array([0, *lengths])).tolist(), 1, sum(lengths))[0, :, 0]
    assert np.array_equal(pixels > 0, np.repeat(np.arange(len(lengths)) % 2 == 0, lengths))


def test_spread_piece_by_piece_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = np.random.default_rng(5).integers(1, 300, 500)
    whole = brush_rle(lengths)
    monkeypatch.setattr(label_studio, "_AT_A_TIME", 7)
    assert np.array_equal(brush_rle(lengths), whole)


def test_conformance_vector() -> None:
    (result,) = brush_results(Regions(mask_of(VECTOR)), "brush", "photo")
    assert result == {
        "id": "segserve-1",
        "from_name": "brush",
        "to_name": "photo",
        "original_width": 4,
        "original_height": 3,
        "image_rotation": 0,
        "type": "brushlabels",
        "value": {
            "format": "rle",
            "rle": [0, 0, 0, 48, 57, 27, 254, 19, 0, 159, 254, 216, 4, 127, 241, 128, 0],
            "brushlabels": ["hintergrund, grün"],
        },
        "score": 0.6,
        "readonly": False,
    }


def test_a_prediction_has_the_mean_confidence_of_its_pixels() -> None:
    classes = np.array([[0, 0, 0, 2, 255]], np.uint8)
    prediction = json.loads(json.dumps(brush_prediction(Regions(mask_of(classes)), "pets/3")))
    assert list(prediction) == ["model_version", "score", "result"]
    assert prediction["model_version"] == "pets/3"
    assert prediction["score"] == pytest.approx((3 * 0.5 + 0.7) / 4)
    assert [(result["id"], result["from_name"], result["to_name"]) for result in prediction["result"]] == [
        ("segserve-1", "tag", "image"),
        ("segserve-2", "tag", "image"),
    ]


def test_nothing() -> None:
    assert brush_prediction(Regions(mask_of(EMPTY)), "pets/3") == {"model_version": "pets/3", "score": 0, "result": []}
