"""The folder of a run: configuration, validation list, history, pictures, checkpoints, networks."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydantic import TypeAdapter

from app.core.errors import TrainingError
from app.training.code_version import CodeVersion
from app.training.config import StrictModel, TrainingConfig
from app.training.files import replacing, write_file

Array = np.ndarray[Any, np.dtype[Any]]

_CODE = TypeAdapter(list[CodeVersion])


class RunData(StrictModel):
    """Which data a run is trained on.

    Args:
        fingerprint: hash of all pictures and masks.
        training: number of pictures trained on.
        validation: number of pictures validated on.
        classes: names, in the order of their ids.
    """

    fingerprint: str
    training: int
    validation: int
    classes: tuple[str, ...]


class Run:
    """Paths and small files of a run.

    Args:
        folder: of the run; made when missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checkpoints = folder / "checkpoints"
        self.best_network = folder / "best.keras"
        self.last_network = folder / "last.keras"
        self.history = folder / "history.csv"
        self._config = folder / "config.json"
        self._validation = folder / "validation.txt"
        self._data = folder / "data.json"
        self._machine = folder / "machine.txt"
        self._code = folder / "code.json"
        self.lock = folder / ".lock"

    def open(self, config: TrainingConfig) -> None:
        """Makes the folder, or goes on in one of the same configuration.

        Before the first checkpoint, after a dry run or a refused configuration, another one may take its place.

        Raises:
            TrainingError: the folder holds a run of another configuration, or cannot be made.
        """
        if not (any(self.checkpoints.glob("step-*")) or self.history.exists()):
            self._begin(config)
        elif (known := self.config()) != config:
            now = config.model_dump()
            changed = [name for name, value in known.model_dump().items() if now[name] != value]
            raise TrainingError(f"{self.folder} holds a run with another {', '.join(changed)}; {self._remedy(changed)}")

    def _remedy(self, changed: list[str]) -> str:
        """What to do where a run is begun again with other values of these names."""
        if set(changed) <= {"steps", "epochs"}:
            return (
                "its learning rate falls towards the end that it was begun with, so it cannot get another. To train "
                f"longer let it end, then go on from its weights in another folder: --init {self.folder}"
            )
        return "choose another folder, or delete it"

    def _begin(self, config: TrainingConfig) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._validation.unlink(missing_ok=True)
            self._data.unlink(missing_ok=True)
            self._machine.unlink(missing_ok=True)
            self._code.unlink(missing_ok=True)
        except OSError as error:
            raise TrainingError(f"{self.folder}: {error.strerror or error}") from error
        write_file(self._config, config.model_dump_json(indent=2).encode())

    def config(self) -> TrainingConfig:
        """Its configuration.

        Raises:
            TrainingError: not the folder of a run.
        """
        try:
            return TrainingConfig.model_validate_json(self._config.read_bytes())
        except (OSError, ValueError) as error:
            raise TrainingError(f"{self.folder} is not the folder of a run: {error}") from error

    def validation(self) -> list[str] | None:
        """Names of the validation pictures, or None where they were not chosen yet."""
        return self._validation.read_text("utf-8").split("\n")[:-1] if self._validation.exists() else None

    def write_validation(self, names: list[str]) -> None:
        """Keeps the list of the validation pictures."""
        write_file(self._validation, "".join(f"{name}\n" for name in names).encode())

    def write_history(self, history: list[dict[str, float]]) -> None:
        """Writes `history.csv`: one row a validation."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)
        write_file(self.history, text.getvalue().encode())

    def write_network(self, path: Path, network: Any) -> None:
        """Writes a Keras file, whole or not at all."""
        with replacing(path, suffix=".keras") as temporary:  # Keras tells the format by it
            network.save(temporary)

    def write_picture(self, name: str, pixels: Array) -> None:
        """Writes (H, W, 3) uint8 RGB as a PNG."""
        encoded = io.BytesIO()
        Image.fromarray(pixels).save(encoded, "PNG")
        write_file(self.folder / name, encoded.getvalue())

    def write_data(self, data: RunData) -> None:
        """Keeps which data the run is trained on.

        Raises:
            TrainingError: the run was begun on other data.
        """
        if self._data.exists() and self.data() != data:
            raise TrainingError(f"{self.folder} was begun on other data; choose another folder, or restore the data")
        write_file(self._data, data.model_dump_json().encode())

    def data(self) -> RunData:
        """Which data the run is trained on.

        Raises:
            TrainingError: the folder does not say.
        """
        try:
            return RunData.model_validate_json(self._data.read_bytes())
        except (OSError, ValueError) as error:
            raise TrainingError(f"{self._data}: does not say which data the run is trained on ({error})") from error

    def write_machine(self, machine: str) -> None:
        """Keeps what the run is trained on; a run that goes on elsewhere has both."""
        known = self.machine()
        if machine not in known:
            write_file(self._machine, "".join(f"{line}\n" for line in [*known, machine]).encode())

    def machine(self) -> list[str]:
        """What the run was trained on, in words."""
        return self._machine.read_text("utf-8").splitlines() if self._machine.exists() else []

    def write_code(self, version: CodeVersion) -> None:
        """Keeps which code the run is made with; a run that goes on with other code has both."""
        known = self.code()
        if not known or known[-1] != version.model_copy(update={"since": known[-1].since}):
            write_file(self._code, _CODE.dump_json([*known, version], indent=2))

    def code(self) -> list[CodeVersion]:
        """Which code the run was made with, the first version first; empty where the folder does not say."""
        try:
            return _CODE.validate_json(self._code.read_bytes())
        except (OSError, ValueError):
            return []
