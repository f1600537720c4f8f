import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import get_args

import click
import pytest
from click.testing import CliRunner

from app import __version__
from app.cli import COMMANDS, LazyGroup, main, serve
from app.core.settings import DeviceChoice, EngineChoice, LogFormat, Precision, Settings


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Runs commands in an environment without settings."""
    for name in [name for name in os.environ if name.startswith("SEGSERVE_") or name == "PORT"]:
        monkeypatch.delenv(name)
    return CliRunner()


def test_the_overview_lists_every_command(runner: CliRunner) -> None:
    result = runner.invoke(main, ["--help"])
    assert result.exit_code == 0
    words = " ".join(result.output.split())
    for name, (_, line) in COMMANDS.items():
        assert f"{name} {line}" in words


def test_the_overview_imports_nothing_heavy() -> None:
    script = (
        "import json, sys\nfrom app.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print(json.dumps(sorted(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    modules = {name.partition(".")[0] for name in json.loads(run.stdout.splitlines()[-1])}
    assert not {"numpy", "pydantic", "fastapi", "uvicorn", "PIL", "keras", "tensorflow", "openvino"} & modules


def test_the_version(runner: CliRunner) -> None:
    assert runner.invoke(main, ["--version"]).output == f"segserve, version {__version__}\n"


def test_an_unknown_command_is_told(runner: CliRunner) -> None:
    result = runner.invoke(main, ["serf"])
    assert result.exit_code == 2
    assert "No such command 'serf'" in result.output


def test_commands_are_found_where_the_table_says() -> None:
    group = main
    assert isinstance(group, LazyGroup)
    context = click.Context(group)
    assert group.list_commands(context) == list(COMMANDS)
    for name, (_, line) in COMMANDS.items():
        command = group.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert command.get_short_help_str(100) == line


def test_the_help_of_serve_knows_the_settings() -> None:
    options = {option.name: option for option in serve.params if isinstance(option, click.Option)}
    assert options.keys() <= Settings.model_fields.keys()
    for name, choice in {
        "engine": EngineChoice,
        "device": DeviceChoice,
        "precision": Precision,
        "log_format": LogFormat,
    }.items():
        assert options[name].metavar == "|".join(get_args(choice))
    for name, option in options.items():
        default = Settings.model_fields[name].default
        assert f"[{default or ('0' if default == 0 else 'none')}" in (option.help or "")


@pytest.mark.parametrize(
    ("arguments", "environment", "complaint"),
    [
        (["--model-store", "nowhere"], {}, "model_store: there is no folder nowhere"),
        (["--engine", "magic"], {}, "engine: "),
        (["--port", "70000"], {}, "port: "),
        (["--threads", "-1"], {}, "threads: "),
        (["--root-path", "no-slash"], {}, "root_path: "),
        (["--device", "gpu", "--engine", "openvino"], {}, "device=gpu: the openvino engine computes on the CPU"),
        ([], {"SEGSERVE_MAX_PIXEL": "5"}, "unknown setting(s) SEGSERVE_MAX_PIXEL"),
        ([], {"SEGSERVE_MAX_BYTES": "many"}, "max_bytes: "),
    ],
)
def test_a_wrong_configuration_ends_with_code_2_and_one_line(
    runner: CliRunner, arguments: list[str], environment: dict[str, str], complaint: str
) -> None:
    result = runner.invoke(main, ["serve", *arguments], env=environment)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("segserve: ")
    assert complaint in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_port_that_is_taken_ends_with_code_2(runner: CliRunner, tiny_store_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        store = str(tiny_store_path)
        result = runner.invoke(main, ["serve", "--host", "127.0.0.1", "--port", port, "--model-store", store])
    assert result.exit_code == 2
    assert f"segserve: cannot listen on 127.0.0.1:{port}: " in result.stderr
