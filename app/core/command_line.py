"""What all commands share: exit codes, errors as one clear message, tables, bars; light, as it comes with each."""

import functools
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from app.core.errors import SegserveError

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130
"""Exit codes; 0: done. WRONG_USE is click's own."""

PathOption = click.Path(path_type=Path)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def reports_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Ends with one clear message in place of a traceback, and keeps TensorFlow quiet."""

    @functools.wraps(command)
    def wrapped(*args: Any, **options: Any) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read when TensorFlow is imported
        try:
            command(*args, **options)
        except SegserveError as error:
            complain(error.detail)
            raise SystemExit(FAILED) from error
        except KeyboardInterrupt:
            complain("interrupted")
            raise SystemExit(INTERRUPTED) from None

    return wrapped


def complain(message: str) -> None:
    """Says on stderr what is wrong; its first word is red on a terminal, unless NO_COLOR is set (no-color.org)."""
    coloured = False if os.environ.get("NO_COLOR") else None  # None: click looks whether it is a terminal
    click.echo(f"{click.style('segserve:', fg='red', bold=True)} {message}", err=True, color=coloured)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of as many cells as text, in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, for a function that is called with how many are done, and how many there are.

    Nothing is shown where stderr is no terminal.
    """
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    bar: Any = click.progressbar(length=1, label=what, file=sys.stderr)

    def report(done: int, total: int) -> None:
        bar.length = total
        bar.update(done - bar.pos)

    with bar:
        yield report
