"""The command `segserve`. Subcommands are imported when they are used: serving never imports a training library."""

import importlib
from pathlib import Path
from typing import NoReturn

import click
from click.shell_completion import CompletionItem, get_completion_class

from app import __version__
from app.core import garbage
from app.core.command_line import WRONG_USE, complain
from app.core.completion import register
from app.store.commands.options import complete_model

COMMANDS = {
    "serve": ("app.cli:serve", "Serve a model over HTTP."),
    "segment": (
        "app.jobs.commands.segment:segment",
        "Segment a picture, or all pictures of a folder or bucket.",
    ),
    "keys": ("app.api.commands.keys:keys", "Make keys of the API."),
    "data": ("app.training.commands.data:data", "Check, divide or make labelled data."),
    "train": ("app.training.commands.train:train", "Train a network on labelled pictures."),
    "evaluate": (
        "app.training.commands.evaluate:evaluate",
        "Score a trained network on labelled pictures, with and without flip averaging.",
    ),
    "publish": (
        "app.training.commands.publish:publish",
        "Put the network of a run into the model store, checked and scored.",
    ),
    "quantize": (
        "app.training.commands.quantize:quantize",
        "Make an int8 version of a published one, for the OpenVINO engine: faster on CPUs with VNNI.",
    ),
    "runs": (
        "app.training.commands.runs:runs",
        "List the runs below a folder, or show what differs between two runs.",
    ),
    "models": (
        "app.store.commands.models:models",
        "Look at the models of a store, and change which version an alias means.",
    ),
    "architecture": ("app.store.commands.architecture:architecture", "Explain the network of a published model."),
    "bench": ("app.api.commands.bench:bench", "Ask a running service as fast as it answers, and say how fast that is."),
    "study": (
        "app.training.commands.study:study",
        "Ask the article's questions: eight networks trained alike, compared with error bars.",
    ),
    "completion": ("app.cli:completion", "Print what makes a shell complete commands, options and models."),
}
"""Name → where the command is, and its line in the overview."""
SHELLS = ("bash", "zsh", "fish")
register()


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The overview, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands and options that begin so, without importing anything."""
        found = [CompletionItem(name, help=line) for name, (_, line) in COMMANDS.items() if name.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="segserve")
def main() -> None:
    """Segmentation as a service: trains, explains and serves the U-Net Xception network.

    \b
    Serve the model that comes with it, then ask for a mask:
      segserve serve
      curl --data-binary @cat.jpg localhost:8000/segment > mask.png

    \b
    Or without a server, a picture or a whole folder:
      segserve segment cat.jpg > mask.png
      segserve segment pictures --out masks

    \b
    What each command takes, with examples: segserve COMMAND --help
    Exit codes of all: 0 done, 1 something failed or was found, 2 wrong use or configuration, 130 interrupted.
    """


@click.command(epilog="Every other setting is an environment variable SEGSERVE_…, listed in the README.")
@click.option("--host", help="Address to listen on.  [0.0.0.0]")
@click.option("--port", type=int, help="Port to listen on.  [8000, or $PORT]")
@click.option("--model-store", type=click.Path(path_type=Path), help="Folder of the models.  [model_store]")
@click.option(
    "--model", metavar="NAME[:VERSION|ALIAS]", help="Model to serve.  [pets:production]", shell_complete=complete_model
)
@click.option("--engine", metavar="auto|openvino|tensorflow", help="What computes the network.  [auto]")
@click.option("--device", metavar="auto|cpu|gpu", help="Where; gpu ends the start if there is none.  [auto]")
@click.option("--precision", metavar="float32|bfloat16", help="Arithmetic of the engine.  [float32]")
@click.option("--threads", type=int, help="Threads of inference.  [0: as many as there are CPUs]")
@click.option("--root-path", help="Path that a gateway strips before it forwards.  [none]")
@click.option("--log-format", metavar="auto|json|plain", help="auto: plain on a terminal, else JSON.  [auto]")
def serve(**options: object) -> NoReturn:
    """Serve a model over HTTP.

    \b
    Examples:
      segserve serve
      segserve serve --port 9000 --model pets:1
      segserve serve --model-store /srv/models --model cells:production --engine openvino
      SEGSERVE_MAX_BYTES=5000000 segserve serve --root-path /segmentation

    \b
    Exit codes: 0 ended by a signal, 2 wrong configuration, 3 the model could not be loaded.
    SIGTERM stops in steps, Ctrl-C without waiting, a second signal at once.
    """
    with garbage.sparing():
        from app.api.server import serve as run
        from app.core.errors import SegserveError
        from app.core.settings import load_settings
        from app.core.telemetry import configure_logging
        from app.main import create_app

    try:
        settings = load_settings(**options)
        configure_logging(settings.log_format, settings.log_level)
        run(create_app(settings), settings)
    except SegserveError as error:
        complain(error.detail)
        raise SystemExit(WRONG_USE) from error


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print what makes a shell complete commands, options and models.

    \b
    Examples:
      eval "$(segserve completion bash)"                                  # in ~/.bashrc
      eval "$(segserve completion zsh)"                                   # in ~/.zshrc, after compinit
      segserve completion fish > ~/.config/fish/completions/segserve.fish

    \b
    Exit codes: 0 done, 2 another shell.
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(main, {}, "segserve", "_SEGSERVE_COMPLETE").source())


if __name__ == "__main__":
    main()
