"""Checkpoints: the whole state of a run, written atomically; the newest complete one is gone on from."""

import json
import shutil
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from app.core.errors import TrainingError
from app.store.durable import sync
from app.training.files import read_arrays, write_arrays, write_file

Array = np.ndarray[Any, np.dtype[Any]]

KEPT = 2
"""Checkpoints that stay on disk."""


@dataclass
class TrainingState:
    """What a run needs to go on as if it had not stopped.

    Args:
        step: gradient steps done.
        arrays: weights of the network, variables of the optimizer, sum and number of the losses to be averaged.
        history: one row for each validation.
        best: highest validation score so far, or None.
    """

    step: int
    arrays: list[Array]
    history: list[dict[str, float]] = field(default_factory=list)
    best: float | None = None


class Checkpoints:
    """The checkpoints of a run.

    Args:
        folder: made when missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, state: TrainingState) -> None:
        """Writes a checkpoint; it counts once it is whole on disk, then the oldest go.

        Raises:
            TrainingError: it cannot be written; the earlier ones are intact.
        """
        final = self._folder / f"step-{state.step:09d}"
        if final.exists():
            return
        temporary = self._folder / f".{final.name}"
        try:
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
            write_arrays(temporary, state.arrays)
            summary = {"step": state.step, "best": state.best, "history": state.history, "arrays": len(state.arrays)}
            write_file(temporary / "state.json", json.dumps(summary).encode())
            sync(temporary)
            temporary.rename(final)
            sync(self._folder)
        except OSError as error:
            shutil.rmtree(temporary, ignore_errors=True)
            raise TrainingError(
                f"checkpoint {final} could not be written: {error.strerror or error}. "
                "The earlier ones are intact: free space, then start the same command again to go on"
            ) from error
        for old in self._complete()[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)

    def load(self) -> TrainingState | None:
        """The newest checkpoint, or None where there is none.

        Raises:
            TrainingError: it cannot be read; the message says what to delete.
        """
        complete = self._complete()
        if not complete:
            return None
        try:
            summary = json.loads((complete[-1] / "state.json").read_text("utf-8"))
            arrays = read_arrays(complete[-1])
            if len(arrays) != summary["arrays"]:
                raise ValueError(f"{len(arrays)} of {summary['arrays']} arrays")
            return TrainingState(summary["step"], arrays, summary["history"], summary["best"])
        except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise TrainingError(
                f"checkpoint {complete[-1]} is damaged ({error}); delete it to go on from the one before"
            ) from error

    def _complete(self) -> list[Path]:
        return sorted(self._folder.glob("step-*"))
