"""The command `data label`."""

from pathlib import Path

import click

from app.core.command_line import PathOption, progress, reports_errors
from app.core.errors import DataError
from app.store.commands.options import complete_model, store_option


@click.command()
@click.argument("teachers", metavar="RUN|MODEL…", nargs=-1, required=True, shell_complete=complete_model)
@click.option("--pictures", type=PathOption, required=True, help="PathOption of pictures without masks.")
@click.option(
    "--out", type=PathOption, required=True, help="PathOption of the data set to make; started again, it goes on."
)
@click.option("--like", type=PathOption, required=True, help="Data set whose classes the networks were trained on.")
@click.option("--size", "sizes", type=int, multiple=True, help="Side of the network's input; several are averaged.")
@click.option("--threshold", type=click.FloatRange(0, 1), default=0.6, show_default=True, help="Least certainty.")
@click.option("--flip/--no-flip", default=True, show_default=True, help="Average over the mirror image, too.")
@click.option("--strata", type=PathOption, help="List NAME CLASS SPECIES BREED, as Oxford's, that says what is what.")
@store_option
@reports_errors
def label(
    teachers: tuple[str, ...],
    pictures: Path,
    out: Path,
    like: Path,
    sizes: tuple[int, ...],
    threshold: float,
    flip: bool,
    strata: Path | None,
    model_store: Path,
) -> None:
    """Make masks for pictures that have none, by trained networks: data for self-training.

    Several networks, and several sizes, vote by their mean probability. Pixels that they are not sure of become
    undecided and count for nothing. What comes out is a data set to train on beside the labelled one.

    \b
    Examples:
      segserve data label pets:production --pictures more --like pets --out runs/more
      segserve data label runs/a runs/b --size 160 --size 192 --pictures more --like pets --out runs/more
      segserve train configs/pets.toml --data pets --data runs/more --run runs/second

    \b
    Exit codes: 0 done, 1 wrong data, or no such run or model.
    """
    from app.store.repository import ModelStore
    from app.training.evaluation.candidate import open_candidate
    from app.training.labelling import LabelledFolder
    from app.training.sources.listing import PICTURE_SUFFIXES, files_by_name
    from app.training.sources.opening import open_source
    from app.training.sources.oxford import strata_of

    labels, store = open_source(like).labels, ModelStore(model_store)
    files = files_by_name(pictures, PICTURE_SUFFIXES)
    if not files:
        raise DataError([f"{pictures}: no picture in this folder, or no such folder"])
    known = strata_of(strata) if strata else {}
    voting = [open_candidate(what, labels, store, size, False) for what in teachers for size in sizes or (None,)]
    folder = LabelledFolder(out, voting, labels, threshold, flip)
    with progress("labelling") as report:
        undecided = folder.fill(files, known, report)
    click.echo(f"{out}: {len(files)} pictures; {undecided:.1%} of the pixels undecided", err=True)
