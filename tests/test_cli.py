import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import click
import pytest
from click.testing import CliRunner

from app import __version__
from app.cli import COMMANDS, SHELLS, LazyGroup, main, serve
from app.core.settings import DeviceChoice, EngineChoice, LogFormat, Precision, Settings

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "command-line.md"


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


def every_command(group: click.Group = main, path: str = "segserve") -> Iterator[tuple[str, click.Command]]:
    """Name by which it is called, and the command; groups too."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from every_command(command, f"{path} {name}")


EVERY_COMMAND = dict(every_command())


@pytest.mark.parametrize("name", EVERY_COMMAND)
def test_help_teaches_by_example(runner: CliRunner, name: str) -> None:
    result = runner.invoke(main, [*name.split()[1:], "--help"])
    assert result.exit_code == 0
    assert f"  {name} " in result.output.partition("Example")[2]
    if not isinstance(EVERY_COMMAND[name], click.Group):
        assert "Exit codes: 0 " in result.output
        assert max(map(len, result.output.splitlines())) <= 120


def page_line(name: str, command: click.Command) -> str:
    """What stands in docs/command-line.md about a command: how it is called, what it does, all its options."""
    context = click.Context(command)
    arguments = [item.make_metavar(context) for item in command.params if isinstance(item, click.Argument)]
    options = [item for item in command.params if isinstance(item, click.Option)]
    called = " ".join([name, *arguments]).replace("|", "\\|")
    spelled = ["/".join(f"`{spelling}`" for spelling in (*item.opts, *item.secondary_opts)) for item in options]
    return f"| `{called}` | {command.get_short_help_str(200)} | {', '.join(spelled) or '–'} |"


def test_the_page_has_every_command_and_option() -> None:
    lines = PAGE.read_text("utf-8").splitlines()
    commands = {name: command for name, command in EVERY_COMMAND.items() if not isinstance(command, click.Group)}
    wanted = [page_line(name, command) for name, command in commands.items()]
    assert [line for line in lines if line.startswith("| `segserve ")] == wanted


def test_examples_of_the_page(runner: CliRunner, tiny_store_path: Path) -> None:
    for command in re.findall(r"^segserve (.*)$", PAGE.read_text("utf-8"), re.MULTILINE):
        result = runner.invoke(main, command.split(), env={"SEGSERVE_MODEL_STORE": str(tiny_store_path)})
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_is_printed_for_each_shell(runner: CliRunner, shell: str) -> None:
    result = runner.invoke(main, ["completion", shell])
    assert result.exit_code == 0
    assert f"_SEGSERVE_COMPLETE={shell}_complete" in result.output
    assert runner.invoke(main, ["completion", "csh"]).exit_code == 2


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("", list(COMMANDS)),
        ("mod", ["models"]),
        ("models re", ["remove"]),
        ("serve --mo", ["--model-store", "--model"]),
        ("serve --model pets:p", ["production"]),
        ("architecture pe", ["pets", "pets:production", "pets:1"]),
    ],
)
def test_bash_completes(
    tmp_path: Path, runner: CliRunner, tiny_store_path: Path, words: str, offered: list[str]
) -> None:
    """The script is run by bash, which calls `segserve` as it would from a prompt."""
    program = f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom app.cli import main\nmain()\n"
    (tmp_path / "segserve").write_text(program)
    (tmp_path / "segserve").chmod(0o755)
    (tmp_path / "completion").write_text(runner.invoke(main, ["completion", "bash"]).stdout)
    subprocess.run(["bash", "-n", tmp_path / "completion"], check=True)
    split = [word for word in re.split(r"(:)|\s", f"segserve {words}") if word is not None]
    script = (
        'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _segserve_completion segserve; '
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SEGSERVE_MODEL_STORE": str(tiny_store_path)}
    command = ["bash", "--norc", "-c", script, tmp_path / "completion", *split]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == offered


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
