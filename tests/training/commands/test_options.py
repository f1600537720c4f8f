from pathlib import Path

import click
import pytest

from app.core.command_line import FAILED
from app.training.commands.evaluate import evaluate
from app.training.commands.publish import publish
from app.training.commands.train import train
from tests.training.conftest import Segserve


@pytest.mark.parametrize("command", [train, evaluate, publish])
def test_help_shows_examples(segserve: Segserve, command: click.Command) -> None:
    result = segserve(command.name or "", "--help")
    assert result.exit_code == 0
    assert f"segserve {command.name} " in result.stdout.partition("Example")[2]


def test_a_folder_that_is_no_run(segserve: Segserve, data: Path) -> None:
    for command in (["evaluate", data], ["publish", data, "--name", "pets"]):
        result = segserve(*command, "--data", data)
        assert result.exit_code == FAILED
        assert f"{data} is not the folder of a run" in result.stderr
