"""Results of pictures, made up."""

from pathlib import Path

import numpy as np

from app.training.evaluation.pictures import PictureResult
from app.training.sources.samples import Sample
from tests.training.drawn_pets import Array


def made_result(
    matrix: object,
    name: str = "a",
    boundary: Array | None = None,
    calibration: Array | None = None,
    cross_entropy: float = 1.0,
    **sample: str,
) -> PictureResult:
    """A result with this confusion matrix; without contours and bins unless they are given."""
    counts = np.array(matrix)
    return PictureResult(
        sample=Sample(name, Path(f"{name}.jpg"), Path(f"{name}.png"), **sample),
        matrix=counts,
        boundary=np.zeros((4, len(counts)), np.int64) if boundary is None else boundary,
        calibration=np.zeros((3, 15)) if calibration is None else calibration,
        cross_entropy=cross_entropy,
        brightness=0.5,
        confidence=0.5,
        shares=tuple((counts.sum(axis=0) / max(1, counts.sum())).tolist()),
    )


def random_results(count: int, seed: int = 0) -> list[PictureResult]:
    """Pictures of three classes, most pixels right, with contours and bins."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        matrix = random.integers(0, 60, (3, 3)) + np.diag(random.integers(100, 400, 3))
        matched = random.integers(5, 40, (2, 3))
        boundary = np.stack([matched[0], matched[0] + 20, matched[1], matched[1] + 25])
        right, pixels = np.trace(matrix), matrix.sum()
        calibration = np.zeros((3, 15))
        calibration[:, 12] = pixels, 0.84 * pixels, right
        found.append(made_result(matrix, f"picture{number}", boundary, calibration))
    return found
