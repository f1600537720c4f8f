"""What several of these tests draw on."""

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import chelsea

from app.core.labels import Label, LabelMap


@pytest.fixture(scope="session")
def pets() -> LabelMap:
    return LabelMap(
        (
            Label(0, "pet", (255, 99, 71), "foreground"),
            Label(1, "background", (10, 20, 30), "background"),
            Label(2, "border", (255, 215, 0), "border"),
        )
    )


@pytest.fixture(scope="session")
def probabilities() -> NDArray[np.float32]:
    """(24, 32, 3) float32, each pixel sums to one."""
    logits = np.random.default_rng(1).normal(size=(24, 32, 3)) * 2
    exponentials = np.exp(logits)
    shares: NDArray[np.float32] = (exponentials / exponentials.sum(axis=-1, keepdims=True)).astype(np.float32)
    return shares


@pytest.fixture(scope="session")
def photograph() -> NDArray[np.uint8]:
    """A cat: (300, 451, 3) uint8 RGB."""
    pixels: NDArray[np.uint8] = chelsea()  # type: ignore[no-untyped-call]  # scikit-image has no types
    return pixels
