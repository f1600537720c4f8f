"""Divides a data set into lists to train on, to validate on and to test on; what belongs together stays together."""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from app.core.errors import DataError, TrainingError
from app.training.checking.check import Report, inspect_all
from app.training.checking.inspection import Inspection
from app.training.checking.summary import Summary, summarise
from app.training.checking.text import SIZE_HEAD, class_table, size_rows
from app.training.evaluation.scoring import markdown
from app.training.files import make_folder, replacing
from app.training.sources.listing import ATTRIBUTES, COLUMNS, read_table, some
from app.training.sources.samples import LISTS, TEST, TRAINVAL, VALIDATION, DataFolder, Sample
from app.training.split import divide, inseparable

Columns = Mapping[str, Mapping[str, str]]
"""What is known of each picture: name → column → value."""


@dataclass(frozen=True)
class Request:
    """How a data set is to be divided.

    Args:
        validation: share of the pictures to validate on, 0–1; 0: no such list.
        test: share to test on, likewise.
        group: column whose value stays on one list; None: what each sample says of itself.
        group_pattern: regular expression whose first parentheses find the group in a name.
        stratify: column that each list holds a fair share of; None: source and stratum.
        near_duplicates: whether pictures that show nearly the same stay together.
        seed: determines the choice.
    """

    validation: float
    test: float
    group: str | None = None
    group_pattern: str | None = None
    stratify: str | None = None
    near_duplicates: bool = True
    seed: int = 0

    def shares(self) -> dict[str, float]:
        """Share of each list to be written, that of training first.

        Raises:
            TrainingError: nothing would be left to train on, or nothing is taken away.
        """
        if self.validation + self.test >= 1:
            raise TrainingError(
                f"shares {self.validation:g} + {self.test:g} leave nothing to train on; take smaller ones"
            )
        if not self.validation and not self.test:
            raise TrainingError("both shares are 0: nothing to divide; give --validation or --test")
        left = 1 - self.validation - self.test
        shares = {TRAINVAL: left, VALIDATION: self.validation, TEST: self.test}
        return {split: share for split, share in shares.items() if share}


@dataclass(frozen=True)
class Part:
    """One list.

    Args:
        samples: its pictures, sorted by name.
        groups: number of different groups in it.
        summary: its pictures in numbers.
    """

    samples: tuple[Sample, ...]
    groups: int
    summary: Summary


def split_folder(source: DataFolder, request: Request, force: bool, report: Report) -> dict[str, Part]:
    """Divides the pictures of a data set; nothing is written yet.

    Args:
        source: the data set.
        request: how.
        force: whether lists that are there may be overwritten.
        report: called after each picture that was read.

    Raises:
        DataError: pictures or masks that training could not use.
        TrainingError: a request that cannot be met; the message says why.
    """
    shares = request.shares()
    samples = _free_samples(source, list(shares), force)
    table = read_table(source.root / ATTRIBUTES)
    groups = _groups(samples, table, request)
    strata = (
        [f"{s.source}/{s.stratum}" for s in samples]
        if request.stratify is None
        else column(samples, table, request.stratify)
    )
    inspections = inspect_all(source, samples, report)
    _require_usable(inspections)
    thumbnails = np.array([i.picture.thumbnail for i in inspections if i.picture]) if request.near_duplicates else None
    parts = divide(inseparable(groups, thumbnails), strata, shares, request.seed)
    labels = source.labels
    return {
        split: Part(
            samples=tuple(samples[i] for i in indices.tolist()),
            groups=len({groups[i] for i in indices.tolist()} - {""}),
            summary=summarise([inspections[i] for i in indices.tolist()], labels),
        )
        for split, indices in parts.items()
    }


def write_lists(source: DataFolder, parts: Mapping[str, Part]) -> dict[str, Path]:
    """Writes the lists and says where; where one cannot be written, all are as before.

    Raises:
        TrainingError: one cannot be written.
    """
    lines = {split: [source.list_line(sample) for sample in part.samples] for split, part in parts.items()}
    paths = {split: source.list_path(split) for split in parts}
    with ExitStack() as stack:  # each takes its place when all are written
        for split, path in paths.items():
            make_folder(path.parent)
            stack.enter_context(replacing(path)).write_bytes("".join(f"{line}\n" for line in lines[split]).encode())
    return paths


def parts_text(parts: Mapping[str, Part]) -> str:
    """Pictures, groups, sizes and classes of each list as Markdown tables."""
    summaries = {split: part.summary for split, part in parts.items()}
    rows = [
        [*row[:2], str(part.groups), *row[3:]] for row, part in zip(size_rows(summaries), parts.values(), strict=True)
    ]
    head = ["list", SIZE_HEAD[0], "groups", *SIZE_HEAD[2:]]
    return f"{markdown(head, rows)}\n\n{markdown(*class_table(summaries))}"


def parts_json(parts: Mapping[str, Part]) -> str:
    """The same as JSON, by list."""
    content = {split: {"groups": part.groups, **asdict(part.summary)} for split, part in parts.items()}
    return json.dumps(content, indent=2, ensure_ascii=False)


def _free_samples(source: DataFolder, written: Sequence[str], force: bool) -> list[Sample]:
    """Pictures with masks that are on no list but those that will be written, sorted by name."""
    there = {split: path for split in LISTS if (path := source.list_path(split)).exists()}
    replaced = [str(path) for split, path in there.items() if split in written]
    if replaced and not force:
        raise TrainingError(
            f"{', '.join(replaced)}: there already; --force overwrites, and scores on them lose their meaning"
        )
    taken = {sample.name for split in there if split not in written for sample in source.samples(split)}
    everything = {s.name: s for s in source.everything() if s.picture.is_file() and s.mask.is_file()}
    free = [everything[name] for name in sorted(everything) if name not in taken]
    if not free:
        raise DataError([f"{source.root}: no picture with a mask that could be put on a list"])
    return free


def _groups(samples: Sequence[Sample], table: Columns, request: Request) -> list[str]:
    if request.group and request.group_pattern:
        raise TrainingError("give --group or --group-pattern, not both")
    if request.group_pattern:
        return matched_groups(samples, request.group_pattern)
    return column(samples, table, request.group or "group")


def column(samples: Sequence[Sample], table: Columns, name: str) -> list[str]:
    """What a column says of each picture; "" where it says nothing.

    Raises:
        TrainingError: there is no such column; the message names those there are.
    """
    known = list(dict.fromkeys(key for row in table.values() for key in row if key != "name"))
    if name in known:
        return [table.get(sample.name, {}).get(name, "") for sample in samples]
    if name in COLUMNS:
        return [str(getattr(sample, name)) for sample in samples]
    there = ", ".join(dict.fromkeys([*known, *COLUMNS]))
    raise TrainingError(f"no column {name!r} in {ATTRIBUTES}; there are {there}")


def matched_groups(samples: Sequence[Sample], pattern: str) -> list[str]:
    """The group in each name: what the first parentheses of a regular expression match.

    Raises:
        TrainingError: no regular expression, one without parentheses, or names that it does not match.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise TrainingError(f"--group-pattern {pattern!r} is no regular expression: {error}") from error
    if not expression.groups:
        raise TrainingError(f"--group-pattern {pattern!r}: put the part that is the group in parentheses")
    matches = [expression.search(sample.name) for sample in samples]
    if unmatched := [sample.name for sample, match in zip(samples, matches, strict=True) if not (match and match[1])]:
        raise TrainingError(f"--group-pattern {pattern!r} finds no group in {some(unmatched)}")
    return [match[1] for match in matches if match]


def _require_usable(inspections: Sequence[Inspection]) -> None:
    broken = [i.sample.name for i in inspections if i.pixels is None]
    if broken:
        raise DataError([f"{name}: picture or mask cannot be used; `segserve data check` says why" for name in broken])
