"""A tiny study that is really made, with interruptions."""

from dataclasses import dataclass
from typing import Any

import pytest

from app.training.sources.oxford import OxfordPets
from app.training.study.conduct import conduct
from app.training.study.outcome import StudyRun
from app.training.study.plan import Study
from app.training.study.progress import StudyProgress
from tests.training.study.drawn_study import tiny_study


class Notes(StudyProgress):
    """A progress that writes down what it's told."""

    def __init__(self) -> None:
        super().__init__(steps=2, batch_size=8)
        self.told: list[tuple[Any, ...]] = []

    def start(self, runs: int, todo: int) -> None:
        self.told.append(("start", runs, todo))

    def begin(self, number: int, name: str) -> None:
        self.told.append(("begin", number, name))

    def go_on(self, step: int) -> None:
        self.told.append(("go on", step))

    def __call__(self, step: int, steps: int, loss: float) -> None:
        self.told.append(("step", step, steps))

    def validated(self, step: int, mean_iou: float) -> None:
        self.told.append(("validated", step))


@dataclass(frozen=True)
class MadeStudy:
    """The base in two blocks, made by one command three times: it was ended at the end of the first run, before its
    outcome was kept; stopped after the first step of the second; then it went on to the end.

    Args:
        study: it.
        told: what each of the three told.
        complete: what the last two returned.
        finished: runs that were said to be finished.
    """

    study: Study
    told: list[list[tuple[Any, ...]]]
    complete: list[bool]
    finished: list[StudyRun]


@pytest.fixture(scope="session")
def made_study(source: OxfordPets, tmp_path_factory: pytest.TempPathFactory) -> MadeStudy:
    """Read only."""
    study = tiny_study(tmp_path_factory.mktemp("study"), blocks=2, networks=1)
    notes = [Notes(), Notes(), Notes()]
    finished: list[StudyRun] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StudyRun, "finish", killed)
        with pytest.raises(KeyboardInterrupt):
            conduct(study, source, notes[0])
    stopped = conduct(study, source, notes[1], lambda: ("step", 1, 2) in notes[1].told, finished.append)
    complete = conduct(study, source, notes[2], finished=finished.append)
    return MadeStudy(study, [note.told for note in notes], [stopped, complete], finished)


def killed(*arguments: object) -> None:
    """In place of keeping an outcome."""
    raise KeyboardInterrupt
