"""The command `evaluate`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.core.command_line import PathOption, reports_errors
from app.store.commands.options import complete_model, store_option
from app.training.commands.options import data_option, layout_option

if TYPE_CHECKING:
    from app.training.evaluation.candidate import Candidate
    from app.training.evaluation.pictures import PictureResult
    from app.training.evaluation.report import Report
    from app.training.sources.samples import DataSource


@click.command()
@click.argument("what", metavar="RUN|MODEL", shell_complete=complete_model)
@data_option
@layout_option
@click.option("--split", default="test", show_default=True, help="List of pictures; `validation`: those of the run.")
@click.option("--size", type=int, help="Side of the network's input.  [its own]")
@click.option("--tile", type=click.IntRange(1), metavar="N", help="Show longer pictures in windows of N×N pixels.")
@click.option("--last", is_flag=True, help="The network at the end of a run, not the one that validated best.")
@click.option("--against", metavar="RUN|MODEL", help="Compare with this one on the same pictures (paired bootstrap).")
@click.option("--against-size", type=int, help="Side of its input.  [its own]")
@click.option(
    "--report",
    "report_folder",
    type=PathOption,
    metavar="DIR",
    help="Write index.html (one page) and report.json there.",
)
@store_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON: what report.json holds.")
@reports_errors
def evaluate(
    what: str,
    data: tuple[Path, ...],
    layout: str,
    split: str,
    size: int | None,
    tile: int | None,
    last: bool,
    against: str | None,
    against_size: int | None,
    report_folder: Path | None,
    model_store: Path,
    as_json: bool,
) -> None:
    """Score a trained network on labelled pictures, with and without flip averaging.

    Each mask is scored at its own size; counts are summed over the data set.

    \b
    Examples:
      segserve evaluate runs/first --data pets --split validation --size 192
      segserve evaluate runs/second --against runs/first --data pets --split validation
      segserve evaluate pets:production --data pets --report reports/pets

    \b
    Exit codes: 0 done, 1 wrong data, or no such run or model.
    """
    from app.store.repository import ModelStore
    from app.training.evaluation.candidate import chosen_pictures, open_candidate, trained_on
    from app.training.evaluation.report import make_report
    from app.training.evaluation.scoring import score_split
    from app.training.evaluation.text import report_text
    from app.training.files import make_folder
    from app.training.sources.opening import open_sources

    if report_folder is not None:
        make_folder(report_folder)
    source, store = open_sources(data, layout), ModelStore(model_store)
    candidates = [open_candidate(what, source.labels, store, size, last, tile)]
    if against is not None:
        candidates.append(open_candidate(against, source.labels, store, against_size, last))
    samples = chosen_pictures(split, source, candidates)
    for candidate in candidates:
        if candidate.run and (seen := trained_on(candidate.run, source, samples)):
            click.echo(f"careful: {candidate.name} may have been trained on {len(seen)} of these pictures", err=True)
    results = [score_split(c.predict, source, samples, c.view) for c in candidates]
    report = make_report(source, split, *zip(candidates, results, strict=True))
    if report_folder is not None:
        _write(report_folder, report, candidates[0], source, results[0].plain)
    click.echo(report.to_json().decode().rstrip() if as_json else report_text(report))


def _write(
    folder: Path, report: "Report", candidate: "Candidate", source: "DataSource", results: "Sequence[PictureResult]"
) -> None:
    """Writes the report of the first candidate."""
    from app.training.evaluation.gallery import at_random, exhibits, worst
    from app.training.evaluation.page import report_page
    from app.training.files import write_file

    shown = exhibits(candidate, source, worst(results)), exhibits(candidate, source, at_random(results))
    write_file(folder / "report.json", report.to_json())
    write_file(folder / "index.html", report_page(report, source.labels, *shown).encode())
    click.echo(f"see {folder / 'index.html'}", err=True)
