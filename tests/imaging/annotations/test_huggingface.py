import base64
import io

import numpy as np
import pytest
from PIL import Image

from app.imaging.annotations.huggingface import segments
from app.imaging.annotations.regions import Regions
from tests.imaging.annotations.drawn import EMPTY, mask_of


@pytest.mark.parametrize("split", [False, True])
def test_a_png_a_region_of_the_size_of_the_picture(split: bool) -> None:
    classes = np.array([[0, 255, 2, 2], [0, 2, 255, 0]], np.uint8)
    drawn = np.full(classes.shape, 255, np.uint8)
    found = list(segments(Regions(mask_of(classes), split)))
    assert [segment["label"] for segment in found] == (
        ["pet", "border", "border", "pet"] if split else ["pet", "border"]
    )
    for segment in found:
        image = Image.open(io.BytesIO(base64.b64decode(segment["mask"])))
        assert (image.format, image.mode, image.size) == ("PNG", "L", (4, 2))
        pixels = np.asarray(image)
        assert set(np.unique(pixels)) == {0, 255}
        drawn[pixels == 255] = {"pet": 0, "border": 2}[segment["label"]]
        assert segment["score"] == {"pet": 0.5, "border": 0.7}[segment["label"]]
    assert np.array_equal(drawn, classes)


def test_nothing() -> None:
    assert list(segments(Regions(mask_of(EMPTY)))) == []
