"""What a person sees while a run goes on: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from types import TracebackType
from typing import Any, Self

import click

ESTIMATE_AFTER = 20
"""Real steps before the first word on how long it will take."""
WARM_UP = 2
"""Steps whose time does not count: the graph is built in the first, memory taken in the second."""
LINE_EVERY_SECONDS = 30.0


class Progress:
    """Reports steps; a context manager, called after each step.

    Args:
        first: steps done before.
        total: steps in all.
        batch_size: pictures a step.
    """

    def __init__(self, first: int, total: int, batch_size: int) -> None:
        self._first = first
        self._batch_size = batch_size
        self._started = self._spoken = time.monotonic()
        self._status = ""
        self._bar: Any = click.progressbar(
            length=total, show_pos=True, show_eta=False, item_show_func=lambda _: self._status, file=sys.stderr
        )
        self._terminal = sys.stderr.isatty()
        if self._terminal:
            self._bar.update(first)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._terminal:
            self._bar.render_finish()

    def __call__(self, step: int, total: int, loss: float) -> None:
        """After a step: steps done, steps in all, mean loss."""
        now = time.monotonic()
        done = step - self._first
        seconds = (now - self._started) / (done if done <= WARM_UP else done - WARM_UP)
        if done == WARM_UP:
            self._started = now
        left = duration(seconds * (total - step))
        self._status = f"loss {loss:.3f}  {self._batch_size / seconds:.1f} images/s  {left} left"
        if done == ESTIMATE_AFTER and not self._terminal:
            click.echo(f"{self._batch_size / seconds:.1f} images/s over the first {done} steps: about {left}", err=True)
        if self._terminal:
            self._bar.update(1)
        elif now - self._spoken >= LINE_EVERY_SECONDS or step == total:
            self._spoken = now
            click.echo(f"step {step}/{total}  {self._status}", err=True)

    def say(self, message: str) -> None:
        """A line of its own; on a terminal above the bar."""
        if self._terminal:
            click.echo("\r\x1b[2K", nl=False, err=True)
        click.echo(message, err=True)
        if self._terminal:
            self._bar.render_progress()


def duration(seconds: float) -> str:
    """Seconds for people: `45 s`, `12 min`, `3 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
