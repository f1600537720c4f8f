"""What a person sees while a study goes on: which run, how fast, how long still, the last validation."""

import sys
import time

import click

from app.training.progress import LINE_EVERY_SECONDS, duration


class StudyProgress:
    """Reports the steps of all runs; called after each step.

    Args:
        steps: of each run.
        batch_size: pictures a step.
    """

    def __init__(self, steps: int, batch_size: int) -> None:
        self._steps = steps
        self._batch_size = batch_size
        self._runs = self._left = self._made = 0
        self._run = self._validation = ""
        self._started = self._spoken = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def start(self, runs: int, todo: int) -> None:
        """Before the first run: how many there are, and how many of them are not finished."""
        self._runs, self._left = runs, todo * self._steps
        self._started = self._spoken = time.monotonic()

    def begin(self, number: int, name: str) -> None:
        """Before a run: its number among all, counted from 1, and its name."""
        self._run = f"run {number} of {self._runs} ({name})"
        self._validation = ""
        self._line(self._run)

    def go_on(self, step: int) -> None:
        """The run has done that many steps before."""
        self._left -= step

    def __call__(self, step: int, steps: int, loss: float) -> None:
        """After a step: steps done in this run, its steps in all, mean loss."""
        self._made += 1
        self._left -= 1
        now = time.monotonic()
        seconds = (now - self._started) / self._made  # reading, building and validating included
        if not (self._terminal or now - self._spoken >= LINE_EVERY_SECONDS or step == steps):
            return
        self._spoken = now
        speed = f"{self._batch_size / seconds:.1f} images/s  {duration(seconds * self._left)} left"
        self._line(f"{self._run}  step {step}/{steps}  loss {loss:.3f}  {speed}{self._validation}", lasting=False)

    def validated(self, step: int, mean_iou: float) -> None:
        """After a validation."""
        self._validation = f"  validation mean IoU {mean_iou:.3f} at step {step}"

    def _line(self, text: str, lasting: bool = True) -> None:
        """Writes a line; on a terminal over the one before, unless that was lasting."""
        erase = "\r\x1b[2K" if self._terminal else ""
        click.echo(erase + text, nl=lasting or not self._terminal, err=True)
