import sys

import pytest

from app.training import progress as module
from app.training.study import progress as study_module
from app.training.study.progress import StudyProgress
from tests.training.stopped_clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    hand = Clock()
    monkeypatch.setattr(study_module, "time", hand)
    return hand


def test_elsewhere_than_on_a_terminal_a_line_now_and_then(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    progress = StudyProgress(steps=10, batch_size=16)
    clock.now += 50  # the pictures are read
    progress.start(runs=24, todo=2)
    progress.begin(23, "block 2, depth-2")
    progress.go_on(8)
    for step in (9, 10):
        clock.now += 2
        progress(step, 10, 1.25)
    progress.begin(24, "block 2, depth-4")
    progress.go_on(0)
    clock.now += 1
    progress.validated(5, 0.51234)
    clock.now += module.LINE_EVERY_SECONDS
    progress(1, 10, 1.0)
    clock.now += 1
    progress(2, 10, 1.0)
    assert capsys.readouterr().err.splitlines() == [
        "run 23 of 24 (block 2, depth-2)",
        "run 23 of 24 (block 2, depth-2)  step 10/10  loss 1.250  8.0 images/s  20 s left",
        "run 24 of 24 (block 2, depth-4)",
        "run 24 of 24 (block 2, depth-4)  step 1/10  loss 1.000  1.4 images/s  2 min left"
        "  validation mean IoU 0.512 at step 5",
    ]


def test_on_a_terminal_one_line_is_written_over(
    clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    progress = StudyProgress(steps=2, batch_size=1)
    progress.start(runs=1, todo=1)
    progress.begin(1, "base")
    for step in (1, 2):
        clock.now += 1
        progress(step, 2, 0.5)
    written = capsys.readouterr().err
    assert written.count("\n") == 1
    assert written.endswith("\r\x1b[2Krun 1 of 1 (base)  step 2/2  loss 0.500  1.0 images/s  0 s left")
