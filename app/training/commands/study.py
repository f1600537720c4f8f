"""The command `study`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.core.command_line import INTERRUPTED, PathOption, reports_errors
from app.core.errors import TrainingError
from app.training.commands.options import layout_option

if TYPE_CHECKING:
    from app.training.study.outcome import StudyRun
    from app.training.study.plan import Study

BLOCKS = 3
ROUNDS = 300
"""Pictures by which each network is timed."""


@click.command()
@click.argument("config", type=PathOption, required=False)
@click.option(
    "--data", type=PathOption, multiple=True, help="PathOption of labelled pictures; given again, they are joined."
)
@layout_option
@click.option(
    "--out", "folder", type=PathOption, default="runs/study", show_default=True, help="PathOption of the study."
)
@click.option("--blocks", type=click.IntRange(1, 100), help="Seeds, each with all runs.  [3, or as many as OUT has]")
@click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE", help="Overrides a value of the configuration.")
@click.option("--time", "timed", is_flag=True, help="Measure the time for one picture instead; on an idle machine.")
@click.option(
    "--render",
    type=PathOption,
    multiple=True,
    metavar="STUDY.JSON",
    help="Draw pictures and tables of a study again, no more; given again, their blocks are joined.",
)
@click.option(
    "--docs", type=PathOption, help="PathOption of a study.md to fill, with its images/.  [that of STUDY.JSON]"
)
@reports_errors
def study(
    config: Path | None,
    data: tuple[Path, ...],
    layout: str,
    folder: Path,
    blocks: int | None,
    overrides: tuple[str, ...],
    timed: bool,
    render: tuple[Path, ...],
    docs: Path | None,
) -> None:
    """Ask the article's questions: eight networks trained alike, compared with error bars.

    \b
    Examples:
      segserve study configs/study.toml --data pets --out runs/study
      segserve study configs/study.toml --out runs/study --time
      segserve study --render runs/study/study.json --docs docs
      segserve study --render one/study.json --render other/study.json --docs docs

    \b
    Killed at any moment, the same command goes on; --blocks 5 adds to a study of three blocks. Blocks stand
    alone: other machines can make some of them (--set seed=3 --blocks 2), and --render joins the records.
    Exit codes: 0 done, 1 wrong data or configuration, 130 interrupted.
    """
    if render:
        _render(render, docs or render[0].parent)
        return
    from app.training.config import load_config
    from app.training.study.configurations import configurations
    from app.training.study.plan import plan

    settings = load_config(config, overrides)
    count = blocks or max(BLOCKS, len(list(folder.glob("block-*"))))
    planned = plan(settings, configurations(settings.network), folder, count)
    if timed:
        from app.training.study.collect import measure

        measure(planned, ROUNDS)
    elif data:
        _train(planned, data, layout)
    else:
        raise TrainingError("--data: the pictures to train on are missing (--time and --render need none)")
    _write(planned, tell=True)


def _train(planned: "Study", data: tuple[Path, ...], layout: str) -> None:
    """Makes the runs; what is complete is written after every block."""
    from app.training.interrupt import Interrupt
    from app.training.sources.opening import open_sources
    from app.training.study.conduct import conduct
    from app.training.study.progress import StudyProgress

    def finished(run: "StudyRun") -> None:
        if run == planned.block(run.block)[-1] and run != planned.runs[-1]:
            _write(planned)
            if not interrupt.asked:
                _begin_anew()

    progress = StudyProgress(planned.config.steps or 0, planned.config.batch_size)
    try:
        with Interrupt() as interrupt:
            complete = conduct(planned, open_sources(data, layout), progress, lambda: interrupt.asked, finished)
    except KeyboardInterrupt:
        complete = False
    if not complete:
        click.echo("segserve: interrupted; the same command goes on from the last checkpoint", err=True)
        raise SystemExit(INTERRUPTED)


def _begin_anew() -> None:
    """Starts the same command again in this process: TensorFlow keeps some of every network that it has trained."""
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _write(planned: "Study", tell: bool = False) -> None:
    """Writes record and pictures of what is complete into the folder of the study."""
    from app.training.plots import can_plot
    from app.training.study.collect import collect
    from app.training.study.page import RECORD, render
    from app.training.study.record import write_record
    from app.training.study.tables import costs, differences, quality, runs
    from app.training.study.verdict import comparisons

    record = collect(planned)
    if record is None:
        click.echo("no block is complete yet: there is nothing to compare", err=True)
        return
    if can_plot():
        render(record, planned.folder)
    else:
        write_record(record, planned.folder / RECORD)
        click.echo("matplotlib is not installed: the study has its study.json, no pictures", err=True)
    if tell:
        for text in (runs(record), costs(record), quality(record), differences(comparisons(record))):
            click.echo(f"{text}\n")


def _render(files: tuple[Path, ...], docs: Path) -> None:
    """Pictures and page of one record, or of several joined."""
    from app.training.study.joining import join
    from app.training.study.page import render
    from app.training.study.record import read_record

    for path in render(join([read_record(file) for file in files]), docs):
        click.echo(path)
