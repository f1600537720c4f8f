"""Large pictures in tiles, through the model that comes with the project."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from app.imaging.probabilities import restored
from app.imaging.windows import window_starts
from app.inference.loaded import LoadedModel, open_model

ROOT = Path(__file__).parents[2]
TILE = 512
MOST_JUMP = 0.02


@pytest.fixture(scope="module")
def shipped() -> Iterator[LoadedModel]:
    model = open_model("pets", ROOT / "model_store")
    yield model
    model.close()


def test_no_seam_is_seen_in_a_photograph(shipped: LoadedModel) -> None:
    """Across the edges of windows the probabilities change by no more than beside them, or by very little."""
    photograph = Image.fromarray(skimage.data.chelsea())  # type: ignore[no-untyped-call]  # skimage ships no types
    pixels = np.asarray(photograph.resize((1600, 1064), Image.Resampling.BICUBIC))
    probabilities = restored(shipped.predict(pixels, tile=TILE))
    assert np.ptp(probabilities) > 0.9
    for axis, length in enumerate(pixels.shape[:2]):
        steps = np.abs(np.diff(probabilities, axis=axis)).swapaxes(0, axis)  # steps[i]: from i to i + 1
        starts = window_starts(length, TILE)
        for edge in sorted({*starts[1:], *(start + TILE for start in starts[:-1])}):
            beside = np.maximum(steps[edge - 2], steps[edge])
            assert (steps[edge - 1] - beside).max() <= MOST_JUMP
