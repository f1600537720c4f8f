"""What the commands of training share: common options, and errors as one clear message."""

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from app.core.errors import SegserveError

FAILED, INTERRUPTED = 1, 130

LAYOUT_CHOICES = ("auto", "oxford", "folder", "coco", "voc")
"""Written out, so that help needs none of the code that reads them."""

Folder = click.Path(path_type=Path)
data_option = click.option(
    "--data",
    type=Folder,
    multiple=True,
    required=True,
    help="Folder of labelled pictures; given again, they are joined.",
)
layout_option = click.option(
    "--layout",
    type=click.Choice(LAYOUT_CHOICES),
    default="auto",
    show_default=True,
    help="How these folders are laid out.",
)
store_option = click.option("--model-store", type=Folder, default="model_store", show_default=True, help="Of models.")


def reports_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Ends with one clear message in place of a traceback, and keeps TensorFlow quiet."""

    @functools.wraps(command)
    def wrapped(*args: Any, **options: Any) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read when TensorFlow is imported
        try:
            command(*args, **options)
        except SegserveError as error:
            click.echo(f"segserve: {error.detail}", err=True)
            raise SystemExit(FAILED) from error

    return wrapped


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, for a function that is called with how many are done, and how many there are."""
    bar: Any = click.progressbar(length=1, label=what, file=sys.stderr)

    def report(done: int, total: int) -> None:
        bar.length = total
        bar.update(done - bar.pos)

    with bar:
        yield report
