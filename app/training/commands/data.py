"""The commands `data check` and `data split`, and the group that `data label` is in, too."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.core.command_line import FAILED, PathOption, json_option, progress, reports_errors
from app.store.commands.options import complete_model, store_option
from app.training.commands.label import label
from app.training.commands.options import layout_option

if TYPE_CHECKING:
    from app.core.labels import LabelMap
    from app.training.evaluation.candidate import Candidate

PAGE = "check.html"
SHARE = click.FloatRange(0, 1, max_open=True)


@click.group()
def data() -> None:
    """Check, divide or make labelled data.

    \b
    Examples:
      segserve data check my-pictures
      segserve data split my-pictures --group patient
    """


data.add_command(label)


@data.command()
@click.argument("folder", metavar="DIR", type=PathOption)
@layout_option
@click.option("--html", type=PathOption, metavar="DIR|FILE", help=f"Write a page to look at: FILE.html, or DIR/{PAGE}.")
@click.option(
    "--model",
    metavar="RUN|MODEL",
    help="Rank masks, but for those of the list test, by how far this network contradicts them.",
    shell_complete=complete_model,
)
@store_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every problem by name.")
@reports_errors
def check(folder: Path, layout: str, html: Path | None, model: str | None, model_store: Path, as_json: bool) -> None:
    """Check labelled pictures before training.

    It looks at files, sizes, classes, empty masks, duplicates, and leaks between lists. An error is what training would
    stop at, a warning what should be looked at. All of them are told at once.

    \b
    Examples:
      segserve data check pets
      segserve data check cells --html reports --json
      segserve data check pets --model pets:production --html suspicious.html

    \b
    Exit codes: 0 no error (there may be warnings), 1 errors.
    """
    from app.training.checking.check import check as check_folder
    from app.training.checking.disagreement import exhibits_of, rank
    from app.training.checking.page import check_page
    from app.training.checking.text import report_json, report_text
    from app.training.files import make_folder, write_file
    from app.training.sources.opening import open_source
    from app.training.sources.samples import TEST

    source = open_source(folder, layout)
    page = None if html is None else html if html.suffix == ".html" else html / PAGE
    if page is not None:
        make_folder(page.parent)
    candidate = _open(model, source.labels, model_store) if model else None
    with progress("reading") as report:
        result = check_folder(source, report)
    ranking = []
    if candidate is not None:
        if TEST in result.splits:
            click.echo(f"the list {TEST} is not ranked: masks mended by a model's word would flatter it", err=True)
        with progress("comparing") as report:
            ranking = rank(candidate, source, result.comparable, report)
    if page is not None:
        exhibits = exhibits_of(candidate, source, ranking) if candidate is not None else []
        write_file(page, check_page(f"Check of {folder.name}", result, source, exhibits).encode())
        click.echo(f"see {page}", err=True)
    click.echo(report_json(result, ranking) if as_json else report_text(result, ranking))
    if not result.ok:
        raise SystemExit(FAILED)


@data.command()
@click.argument("folder", metavar="DIR", type=PathOption)
@layout_option
@click.option("--validation", type=SHARE, default=0.1, show_default=True, help="Share to validate on; 0: no such list.")
@click.option("--test", type=SHARE, default=0.15, show_default=True, help="Share to test on; 0: no such list.")
@click.option("--group", metavar="COLUMN", help="Column of samples.csv: the same value stays on one list.")
@click.option("--group-pattern", metavar="REGEX", help="Or the part of the name in parentheses: '^(patient[0-9]+)_'.")
@click.option("--stratify", metavar="COLUMN", help="Column that each list holds a fair share of.  [source and stratum]")
@click.option("--near-duplicates/--no-near-duplicates", default=True, show_default=True, help="Keep these together.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Determines the choice.")
@click.option("--force", is_flag=True, help="Overwrite lists that are there.")
@json_option
@reports_errors
def split(
    folder: Path,
    layout: str,
    validation: float,
    test: float,
    group: str | None,
    group_pattern: str | None,
    stratify: str | None,
    near_duplicates: bool,
    seed: int,
    force: bool,
    as_json: bool,
) -> None:
    """Divide labelled pictures into lists.

    There is one to train on, one to validate on and one to test on. What belongs together, such as the pictures of one
    animal, patient or video, stays on one list, and so do pictures that show nearly the same. A list that is there and
    not asked for (share 0) stays as it is, and so do its pictures.

    \b
    Examples:
      segserve data split cells --group patient --stratify stain
      segserve data split cells --group-pattern '^(patient[0-9]+)_' --validation 0.1 --test 0.2
      segserve data split pets --test 0 --validation 0.1 --force
      segserve data split cells --json | jq .test.pictures

    \b
    Exit codes: 0 done, 1 it cannot be divided so, or wrong data; no list is written.
    """
    from app.training.sources.opening import open_source
    from app.training.splitting import Request, parts_json, parts_text, split_folder, write_lists

    request = Request(validation, test, group, group_pattern, stratify, near_duplicates, seed)
    source = open_source(folder, layout)
    with progress("reading") as report:
        parts = split_folder(source, request, force, report)
    for path in write_lists(source, parts).values():
        click.echo(f"wrote {path}", err=True)
    click.echo(parts_json(parts) if as_json else parts_text(parts))


def _open(model: str, labels: "LabelMap", model_store: Path) -> "Candidate":
    from app.store.repository import ModelStore
    from app.training.evaluation.candidate import open_candidate  # brings TensorFlow

    return open_candidate(model, labels, ModelStore(model_store), None, False)
