"""The runs below a folder, and what differs between two of them."""

import csv
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

from app.core.errors import TrainingError
from app.training.lock import is_locked
from app.training.run import Run

State = Literal["finished", "going on", "stopped"]
SCORE = "validation_mean_iou"


@dataclass(frozen=True)
class RunSummary:
    """One run.

    Args:
        name: path of its folder, below the folder that was listed.
        state: whether it has reached its end, or a process is training in it.
        step: gradient steps done, as far as they are on disk.
        steps: in all; None where they are not known yet.
        pictures: number of training pictures seen.
        best, last: validation mean IoU; None before the first validation.
        started: when it was begun, UTC; None where the folder does not say.
    """

    name: str
    state: State
    step: int
    steps: int | None
    pictures: int
    best: float | None
    last: float | None
    started: datetime | None


@dataclass(frozen=True)
class Difference:
    """A fact that two runs do not share; None where one has no such fact."""

    name: str
    first: Any
    second: Any


def find_runs(folder: Path, skipped: Callable[[TrainingError], None]) -> list[RunSummary]:
    """The runs in a folder and below, by name.

    Args:
        folder: where to look.
        skipped: told of what has a `config.json` that is not a run's.

    Raises:
        TrainingError: there is no such folder.
    """
    if not folder.is_dir():
        raise TrainingError(f"{folder}: there is no such folder; `segserve train --run FOLDER` makes runs")
    found = []
    for place, below, files in os.walk(folder):
        below.sort()
        if "config.json" not in files:
            continue
        try:
            found.append(summarise_run(Run(Path(place)), str(Path(place).relative_to(folder))))
            below.clear()  # a run holds no other
        except TrainingError as error:
            skipped(error)
    return found


def summarise_run(run: Run, name: str) -> RunSummary:
    """What a line tells of a run.

    Raises:
        TrainingError: not the folder of a run.
    """
    config, history, code = run.config(), read_history(run), run.code()
    scores = [row[SCORE] for row in history if SCORE in row]
    kept = [path.name.removeprefix("step-") for path in run.checkpoints.glob("step-*")]
    done = [int(number) for number in kept if number.isdecimal()] + [int(row["step"]) for row in history[-1:]]
    step, steps = max(done, default=0), config.steps
    if steps is None and (data := _data(run)):
        steps = config.total_steps(data["training"])
    return RunSummary(
        name=name,
        state="finished" if run.last_network.exists() else "going on" if is_locked(run.lock) else "stopped",
        step=step,
        steps=steps,
        pictures=step * config.batch_size,
        best=max(scores, default=None),
        last=scores[-1] if scores else None,
        started=code[0].since if code else None,
    )


def read_history(run: Run) -> list[dict[str, float]]:
    """The rows of `history.csv`; none where there is no such file yet, or another one."""
    try:
        with run.history.open(newline="", encoding="utf-8") as file:
            rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    except (OSError, ValueError, TypeError, AttributeError):
        return []
    return [row for row in rows if "step" in row]


def differences(first: Run, second: Run) -> list[Difference]:
    """What differs between two runs: configuration, data, code, machine.

    Raises:
        TrainingError: not the folder of a run.
    """
    one, other = facts(first), facts(second)
    names = [*one, *(name for name in other if name not in one)]
    return [Difference(name, one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name)]


def facts(run: Run) -> dict[str, Any]:
    """Everything that the outcome of a run depends on, by dotted name.

    Raises:
        TrainingError: not the folder of a run.
    """
    code, names = run.code(), run.validation()
    values: dict[str, Any] = {**run.config().model_dump(mode="json"), "data": _data(run)}
    if names is not None:
        values["data"]["validation_list"] = hashlib.sha256("\n".join(names).encode()).hexdigest()
    values["code"] = code[-1].model_dump(mode="json", exclude={"since"}) if code else {}
    values["machine"] = "; ".join(run.machine())
    return dict(_flat(values))


def _data(run: Run) -> dict[str, Any]:
    """Empty before the data was read, and in runs of an earlier release."""
    try:
        return run.data().model_dump(mode="json")
    except TrainingError:
        return {}


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for name, value in values.items():
        pairs += _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else [(prefix + name, value)]
    return pairs


def network_step(run: Run, last: bool) -> int | None:
    """After how many gradient steps a run had its best network, or its last; None where its history does not say."""
    rows = read_history(run)
    if not rows:
        return None
    scored = [] if last else [row for row in rows if SCORE in row]
    return int(max(scored, key=itemgetter(SCORE), default=rows[-1])["step"])
