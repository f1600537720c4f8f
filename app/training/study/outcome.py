"""One run of the study: its folder, what came out for each picture, and its outcome."""

import io
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from app.core.errors import TrainingError
from app.core.labels import LabelMap
from app.training.config import TrainingConfig
from app.training.evaluation.pictures import PictureResult, total_scores
from app.training.files import write_file
from app.training.run import Run
from app.training.study.left_out import left_out_scores, mean_height
from app.training.study.record import Outcome, SplitScores

Array = np.ndarray[Any, np.dtype[Any]]

TRAINING = "training"
"""Name of the file with the matrices of the sample of the training pictures."""


class StudyRun:
    """The folder of one run: that of `segserve train`, with `matrices/` and, once it is finished, `outcome.json`.

    Args:
        folder: of the run.
        config: of the run.
        configuration: name of its network.
        block: number of its block.
    """

    def __init__(self, folder: Path, config: TrainingConfig, configuration: str, block: int) -> None:
        self.run = Run(folder)
        self.config = config
        self.configuration = configuration
        self.block = block
        self._matrices = folder / "matrices"
        self._outcome = folder / "outcome.json"

    def outcome(self) -> Outcome | None:
        """What came out; None as long as the run is not finished.

        Raises:
            TrainingError: the file is damaged, or the run was made with another configuration.
        """
        if not self._outcome.is_file():
            return None
        self.run.open(self.config)
        try:
            return Outcome.model_validate_json(self._outcome.read_bytes())
        except (OSError, ValidationError) as error:
            raise TrainingError(
                f"{self._outcome} is damaged; delete {self.run.folder} to make the run again"
            ) from error

    def keep_validation(self, step: int, results: Sequence[PictureResult]) -> None:
        """Keeps the confusion matrix of each validation picture."""
        self._keep(f"{step:09d}", results)

    def finish(
        self, history: Sequence[dict[str, float]], results: Sequence[PictureResult], labels: LabelMap
    ) -> Outcome:
        """Writes the outcome; the checkpoints have done their work and go.

        Args:
            history: of the run, a row for each validation.
            results: of its last network on the sample of the training pictures.
            labels: the classes.
        """
        self._keep(TRAINING, results)
        steps = [int(row["step"]) for row in history]
        matrices = np.stack([self._read(f"{step:09d}") for step in steps])  # (V, N, C, C)
        left_out = np.stack([left_out_scores(of_step) for of_step in matrices])  # (V, N)
        outcome = Outcome(
            configuration=self.configuration,
            block=self.block,
            steps=tuple(steps),
            mean_iou=tuple(round(row["validation_mean_iou"], 6) for row in history),
            cross_entropy=tuple(round(row["validation_cross_entropy"], 6) for row in history),
            validation=_last_scores(history[-1], labels),
            training=_scores(results, labels),
            left_out=_rounded(left_out[-1]),
            left_out_area=_rounded(mean_height(steps, left_out)),
        )
        write_file(self._outcome, outcome.model_dump_json().encode())
        shutil.rmtree(self.run.checkpoints, ignore_errors=True)
        return outcome

    def _keep(self, name: str, results: Sequence[PictureResult]) -> None:
        self._matrices.mkdir(exist_ok=True)
        names, matrices = np.array([result.sample.name for result in results]), np.stack([r.matrix for r in results])
        encoded = io.BytesIO()
        np.savez_compressed(encoded, names=names, matrices=matrices)
        write_file(self._matrices / f"{name}.npz", encoded.getvalue())

    def _read(self, name: str) -> Array:
        """(N, C, C) int64, in the order of the pictures' names."""
        with np.load(self._matrices / f"{name}.npz", allow_pickle=False) as kept:
            return np.asarray(kept["matrices"][np.argsort(kept["names"])])


def _scores(results: Sequence[PictureResult], labels: LabelMap) -> SplitScores:
    scores = total_scores(results, labels)
    return SplitScores(
        mean_iou=round(scores.mean_iou, 6),
        iou={name: None if value is None else round(value, 6) for name, value in scores.iou.items()},
        cross_entropy=round(scores.cross_entropy or 0.0, 6),
    )


def _last_scores(row: dict[str, float], labels: LabelMap) -> SplitScores:
    """Those of the last validation, as the history has them."""
    by_class = {label.name: row[f"validation_iou_{label.name}"] for label in labels}
    return SplitScores(
        mean_iou=round(row["validation_mean_iou"], 6),
        iou={name: None if np.isnan(value) else round(value, 6) for name, value in by_class.items()},
        cross_entropy=round(row["validation_cross_entropy"], 6),
    )


def _rounded(values: Array) -> tuple[float, ...]:
    """To 7 places: what one picture changes is some ten-thousandths."""
    return tuple(np.round(values, 7).tolist())
