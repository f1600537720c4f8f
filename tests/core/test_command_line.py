import io
import sys

import click
import pytest
from click.testing import CliRunner

from app.core.command_line import FAILED, INTERRUPTED, aligned, complain, progress, reports_errors
from app.core.errors import StoreError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [(StoreError("it is gone"), FAILED, "it is gone"), (KeyboardInterrupt(), INTERRUPTED, "interrupted")],
)
def test_an_error_is_one_line_and_an_exit_code(error: BaseException, code: int, message: str) -> None:
    @click.command()
    @reports_errors
    def command() -> None:
        raise error

    result = CliRunner().invoke(command)
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", f"segserve: {message}\n")


def test_mistakes_of_ours_are_not_hidden() -> None:
    @click.command()
    @reports_errors
    def command() -> None:
        raise ZeroDivisionError

    assert isinstance(CliRunner().invoke(command).exception, ZeroDivisionError)


@pytest.mark.parametrize(
    ("stream", "variable", "coloured"), [(Terminal(), "", True), (Terminal(), "1", False), (io.StringIO(), "", False)]
)
def test_colour_on_a_terminal_that_wants_it(
    stream: io.StringIO, variable: str, coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", variable)
    monkeypatch.setattr(sys, "stderr", stream)
    complain("it is gone")
    assert stream.getvalue().endswith(" it is gone\n")
    assert ("\x1b[" in stream.getvalue()) == coloured


def test_columns() -> None:
    assert aligned([("a", "bb", "c"), ("long", "", "–")]) == "a     bb  c\nlong      –"


@pytest.mark.parametrize(("stream", "shown"), [(Terminal(), True), (io.StringIO(), False)])
def test_a_bar_on_a_terminal_only(stream: io.StringIO, shown: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    with progress("reading") as report:
        for done in range(1, 4):
            report(done, 3)
    assert ("reading" in stream.getvalue()) == shown
    assert ("100%" in stream.getvalue()) == shown
