"""The command `runs`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.core.command_line import PathOption, aligned, json_option, reports_errors
from app.core.errors import TrainingError

if TYPE_CHECKING:
    from app.training.runs import RunSummary

VALIDATION_LIST = "data.validation_list"
LONGEST = 48
"""Characters of a value in a table."""


@click.command()
@click.argument("folders", metavar="[FOLDER | RUN RUN]", nargs=-1, type=PathOption)
@json_option
@click.option("--curves", type=PathOption, metavar="FILE", help="Draw the runs' validation curves into a PNG.")
@reports_errors
def runs(folders: tuple[Path, ...], as_json: bool, curves: Path | None) -> None:
    """List the runs below a folder, or show what differs between two runs.

    Without a folder: those below `runs`.

    \b
    Examples:
      segserve runs
      segserve runs runs/study
      segserve runs runs/first runs/second
      segserve runs runs/search --curves search.png
      segserve runs runs/study --json | jq 'max_by(.best).name'

    \b
    Exit codes: 0 done, 1 no such folder or run.
    """
    if len(folders) > 2:
        raise TrainingError("one folder to list its runs, or two runs to compare")
    if len(folders) == 2:
        _compare(*folders, as_json=as_json)
        shown: Sequence[Path] = folders
    else:
        shown = _list(folders[0] if folders else Path("runs"), as_json)
    if curves is not None:
        _draw(shown, curves)


def _draw(folders: Sequence[Path], file: Path) -> None:
    from app.training.files import write_file
    from app.training.plots import can_plot, compared_curves
    from app.training.run import Run
    from app.training.runs import read_history

    if not can_plot():
        raise TrainingError('--curves needs matplotlib: pip install "segserve[train]"')
    write_file(file, compared_curves({folder.name: read_history(Run(folder)) for folder in folders}))


def _list(folder: Path, as_json: bool) -> list[Path]:
    """Prints the runs; gives their folders."""
    from app.training.runs import find_runs

    found = find_runs(folder, lambda error: click.echo(f"segserve: skipped {error.detail.splitlines()[0]}", err=True))
    folders = [folder / run.name for run in found]
    if as_json:
        click.echo(json.dumps([asdict(run) for run in found], indent=2, default=str))
        return folders
    if not found:
        click.echo(f"no runs in {folder}", err=True)
        return folders
    head = ["run", "state", "step", "of", "pictures seen", "best mean IoU", "last", "started (UTC)"]
    click.echo(aligned([head, *map(_row, found)]))
    return folders


def _row(run: "RunSummary") -> list[str]:
    started = run.started.strftime("%Y-%m-%d %H:%M") if run.started else "–"
    steps = "?" if run.steps is None else f"{run.steps}"
    return [run.name, run.state, f"{run.step}", steps, f"{run.pictures}", _score(run.best), _score(run.last), started]


def _compare(first: Path, second: Path, as_json: bool) -> None:
    from app.training.run import Run
    from app.training.runs import differences, summarise_run

    found = differences(Run(first), Run(second))
    one, other = (summarise_run(Run(folder), str(folder)) for folder in (first, second))
    gain = None if one.best is None or other.best is None else other.best - one.best
    if as_json:
        report = {"differences": [asdict(item) for item in found], "runs": [asdict(one), asdict(other)], "gain": gain}
        click.echo(json.dumps(report, indent=2, default=str))
        return
    rows = [["", one.name, other.name], *([item.name, _short(item.first), _short(item.second)] for item in found)]
    rows += [["best mean IoU", _score(one.best), _score(other.best)], ["last", _score(one.last), _score(other.last)]]
    click.echo(aligned(rows))
    if any(item.name == VALIDATION_LIST for item in found):
        click.echo("validated on different pictures: the scores cannot be compared")
    elif gain is not None:
        click.echo(f"the second is {gain:+.4f} mean IoU from the first")


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _short(value: Any) -> str:
    text = "–" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
