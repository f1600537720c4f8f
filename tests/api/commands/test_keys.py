from typing import get_args

import click
import pytest
from click.testing import CliRunner

from app.api.commands.keys import new
from app.api.key_entries import Scope, parse_entries
from app.cli import main
from tests.fixtures.api_keys import entry


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()


def test_the_key_goes_to_one_stream_and_what_is_written_down_to_the_other(runner: CliRunner) -> None:
    result = runner.invoke(main, ["keys", "new", "camera-7", "--scope", "segment", "--scope", "metrics"])
    assert result.exit_code == 0
    key = result.stdout.removesuffix("\n")
    assert len(key) == 43
    assert key not in result.stderr
    assert parse_entries(result.stderr, "keys") == {"camera-7": entry("segment", "metrics", key=key)}
    assert runner.invoke(main, ["keys", "new", "camera-7", "--scope", "segment"]).stdout != result.stdout


def test_the_scopes_are_those_that_are_read() -> None:
    (scopes,) = [option for option in new.params if option.name == "scopes"]
    assert isinstance(scopes.type, click.Choice)
    assert tuple(scopes.type.choices) == get_args(Scope)


def test_entries_go_into_a_file_one_after_the_other(runner: CliRunner) -> None:
    limits = ["--requests-per-second", "5", "--burst", "20", "--pixels-per-second", "20e6"]
    one = runner.invoke(main, ["keys", "new", "one", "--scope", "segment", *limits]).stderr
    two = runner.invoke(main, ["keys", "new", "two", "--scope", "admin"]).stderr
    entries = parse_entries(one + two, "keys")
    assert (entries["one"].requests_per_second, entries["one"].burst, entries["one"].pixels_per_second) == (5, 20, 2e7)
    assert entries["two"].requests_per_second is None


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["a"], "Missing option '--scope'"),
        (["a", "--scope", "root"], "'root' is not one of"),
        (["two words", "--scope", "admin"], "two words"),
        (["a]\n[b", "--scope", "admin"], "should match pattern"),
        (["a", "--scope", "admin", "--burst", "3"], "burst goes with requests_per_second only"),
        (["a", "--scope", "admin", "--requests-per-second", "0"], "requests_per_second: "),
        (["a", "--scope", "admin", "--pixels-per-second", "nan"], "pixels_per_second: "),
    ],
)
def test_what_would_not_be_read_is_not_printed(runner: CliRunner, arguments: list[str], complaint: str) -> None:
    result = runner.invoke(main, ["keys", "new", *arguments])
    assert (result.exit_code, result.stdout) == (2, "")
    assert complaint in result.stderr
    assert "sha256" not in result.stderr
