"""Masks of these tests, with the statistics that belong to them, and how polygons are filled."""

from collections.abc import Iterable, Sequence

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from skimage.draw import polygon2mask

from app.core.labels import UNDECIDED, Label, LabelMap
from app.imaging.masks import ClassStatistics, Mask

LABELS = LabelMap(
    (
        Label(0, "pet", (255, 99, 71), "foreground"),
        Label(1, "hintergrund, grün", (10, 20, 30), "background"),
        Label(2, "border", (255, 215, 0), "border"),
    )
)
VECTOR = np.array([[255, 255, 255, 255], [255, 1, 1, 255], [255, 255, 1, 255]], np.uint8)
"""The mask of the wire formats' conformance vector, as class 1."""
EMPTY = np.full((3, 5), UNDECIDED, np.uint8)

Classes = NDArray[np.uint8]

masks: st.SearchStrategy[Classes] = hnp.arrays(
    np.uint8,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12),
    elements=st.sampled_from([0, 0, 1, 2, UNDECIDED]),
)
"""Small masks of three classes, with single pixels, holes and pixels that touch at corners."""


def mask_of(classes: Classes, confidence: NDArray[np.float32] | None = None) -> Mask:
    """A finished mask; the mean confidence of class n is .5 + n/10."""
    return Mask(
        classes,
        tuple(_statistics(label, classes == label.id) for label in LABELS),
        int((classes == UNDECIDED).sum()),
        confidence,
    )


def _statistics(label: Label, chosen: NDArray[np.bool_]) -> ClassStatistics:
    if not chosen.any():
        return ClassStatistics(label, 0, 0.0, None, None)
    rows, columns = np.nonzero(chosen)
    left, top = int(columns.min()), int(rows.min())
    bbox = (left, top, int(columns.max()) - left + 1, int(rows.max()) - top + 1)
    return ClassStatistics(label, int(chosen.sum()), float(chosen.mean()), 0.5 + label.id / 10, bbox)


def filled(rings: Iterable[Sequence[Sequence[float]]], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels whose centres lie in an odd number of rings of (x, y), as scikit-image finds them."""
    pixels = np.zeros(size, np.bool_)
    for ring in rings:
        pixels ^= polygon2mask(size, np.asarray(ring, np.float64)[:, ::-1] - 0.5)  # type: ignore[no-untyped-call]
    return pixels
