import contextlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.training import progress as module
from app.training.progress import ESTIMATE_AFTER, LINE_EVERY_SECONDS, WARM_UP, Progress, duration
from tests.training.stopped_clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@contextlib.contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """Makes standard error a terminal; afterwards the list holds what it showed (pytest would undo a fixture's)."""
    ours, theirs = os.openpty()
    screen: list[bytes] = []
    with os.fdopen(ours, "rb", buffering=0) as shown:
        with os.fdopen(theirs, "w") as stream, monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", stream)
            yield screen
        with contextlib.suppress(OSError):  # how Linux tells that the other end is closed
            while part := shown.read(65536):
                screen.append(part)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.6, "1 s"),
        (89, "89 s"),
        (90, "2 min"),
        (60 * 12 + 20, "12 min"),
        (60 * 89, "89 min"),
        (60 * 90, "1 h 30 min"),
        (3600 * 3 + 60 * 5, "3 h 05 min"),
        (3600 * 30, "30 h 00 min"),
    ],
)
def test_durations_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_lines_where_there_is_no_terminal(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(first=100, total=400, batch_size=16) as progress:
        for step in range(101, 401):
            clock.now += 0.5
            progress(step, 400, 1.25 - step / 1000)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"32.0 images/s over the first {ESTIMATE_AFTER} steps: about 2 min"
    assert lines[1] == "step 160/400  loss 1.090  32.0 images/s  2 min left"
    assert lines[-1] == "step 400/400  loss 0.850  32.0 images/s  0 s left"
    assert len(lines) == 1 + 300 * 0.5 / LINE_EVERY_SECONDS


def test_a_run_shorter_than_the_estimate_still_says_something(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(first=0, total=3, batch_size=4) as progress:
        for step in (1, 2, 3):
            clock.now += 1
            progress(step, 3, 0.5)
    assert capsys.readouterr().err == "step 3/3  loss 0.500  4.0 images/s  0 s left\n"


def test_the_first_steps_do_not_count(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(first=0, total=42, batch_size=10) as progress:
        for step in range(1, 43):
            clock.now += 60 if step <= WARM_UP else 1
            progress(step, 42, 0.5)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "step 1/42  loss 0.500  0.2 images/s  41 min left"
    assert f"10.0 images/s over the first {ESTIMATE_AFTER} steps: about 22 s" in lines
    assert lines[-1] == "step 42/42  loss 0.500  10.0 images/s  0 s left"


def test_what_is_worth_a_line(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress(first=0, total=2, batch_size=4) as progress:
        progress.say("validation mean IoU 0.5")
    assert capsys.readouterr().err == "validation mean IoU 0.5\n"
    with terminal(monkeypatch) as screen, Progress(first=0, total=2, batch_size=4) as progress:
        progress.say("validation mean IoU 0.5")
    shown = b"".join(screen).decode()
    assert "\r\x1b[2Kvalidation mean IoU 0.5\r\n" in shown
    assert shown.rstrip().rsplit("mean IoU 0.5", 1)[1].count("[") >= 1  # the bar again, below


def test_a_bar_on_a_terminal(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as screen, Progress(first=30, total=40, batch_size=8) as progress:
        for step in range(31, 41):
            clock.now += 4
            progress(step, 40, 0.75)
    shown = b"".join(screen).decode()
    assert re.search(r"#+-+\]  31/40  loss 0\.750  2\.0 images/s  36 s left", shown)
    assert re.search(r"#+\]  40/40  loss 0\.750  2\.0 images/s  0 s left", shown)
    assert "over the first" not in shown
    assert shown.endswith("\n")


def test_a_failure_passes_through_and_ends_the_bar(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with terminal(monkeypatch) as screen, pytest.raises(FileNotFoundError), Progress(first=1, total=2, batch_size=1):
        (tmp_path / "nothing").read_bytes()
    shown = b"".join(screen).decode()
    assert "1/2" in shown
    assert shown.endswith("\n")
