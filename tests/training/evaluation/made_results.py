"""Results of pictures, made up."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.core.labels import Label, LabelMap
from app.imaging.observation import Observation
from app.training.evaluation.pictures import PictureResult
from app.training.sources.samples import Credit, Sample
from tests.training.drawn_pets import Array


@dataclass(frozen=True)
class Numbered:
    """A data source of so many classes, `class 0` and on, and no pictures."""

    classes: int
    credits: tuple[Credit, ...] = ()
    splits: tuple[str, ...] = ()

    @property
    def labels(self) -> LabelMap:
        return LabelMap(tuple(Label(number, f"class {number}", (number, 0, 0)) for number in range(self.classes)))

    def samples(self, split: str) -> list[Sample]:
        return []

    def mask(self, sample: Sample) -> Array:
        raise AssertionError(f"{sample.name}: this source has no pictures")


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
        observation=Observation(0.5, 0.5, tuple((counts.sum(axis=0) / max(1, counts.sum())).tolist())),
    )


def random_results(count: int, seed: int = 0, classes: int = 3) -> list[PictureResult]:
    """Pictures of so many classes, most pixels right, with contours and bins."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        matrix = random.integers(0, 60, (classes, classes)) + np.diag(random.integers(100, 400, classes))
        matched = random.integers(5, 40, (2, classes))
        boundary = np.stack([matched[0], matched[0] + 20, matched[1], matched[1] + 25])
        right, pixels = np.trace(matrix), matrix.sum()
        calibration = np.zeros((3, 15))
        calibration[:, 12] = pixels, 0.84 * pixels, right
        found.append(made_result(matrix, f"picture{number}", boundary, calibration))
    return found
