"""Looks at every picture and mask of a data set and gathers what is wrong with them."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import combinations

from app.core.errors import DataError
from app.core.labels import LabelMap
from app.training.checking.duplicates import Pair, duplicate_pairs, group_leaks
from app.training.checking.inspection import Inspection, inspect
from app.training.checking.problems import (
    ABSENT_CLASS,
    LAYOUT,
    LISTED_TWICE,
    NO_MASK,
    NO_PICTURE,
    NO_PICTURES,
    UNLISTED,
    Finding,
    Problem,
    grouped,
)
from app.training.checking.summary import Summary, summarise
from app.training.sources.samples import LISTS, TEST, TRAINVAL, DataFolder, DataSource, Sample

ALL = "all"

Report = Callable[[int, int], None]
"""Called after each picture with how many are done, and how many there are."""


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    Args:
        labels: the classes.
        inspections: one for each picture, whatever number of lists it is on.
        splits: a summary of each list, and of `all` pictures.
        sources: a summary of each source, where there are several.
        pairs: pictures that show the same, the most serious first.
        findings: all problems, errors first.
        comparable: pictures that training could take and a model may be shown: on a list, and not on `test`.
    """

    labels: LabelMap
    inspections: tuple[Inspection, ...]
    splits: dict[str, Summary]
    sources: dict[str, Summary]
    pairs: tuple[Pair, ...]
    findings: tuple[Finding, ...]
    comparable: tuple[Sample, ...]

    @property
    def ok(self) -> bool:
        """Whether training would not stop at anything that was found."""
        return all(finding.kind.severity != "error" for finding in self.findings)


def check(source: DataFolder, report: Report) -> CheckResult:
    """Reads all pictures and masks of all lists, on all cores; no picture is kept in memory.

    Where a list is broken, the pictures on no other list are looked at, too.
    """
    lists, problems = _lists(source)
    listed = {sample.name: sample for samples in lists.values() for sample in samples}
    others, more = _others(source, set(listed))
    if problems:
        listed |= {sample.name: sample for sample in others}
    else:
        problems += map(_unused, others)
    problems += [*more, *([] if listed else [Problem(NO_PICTURES, "the data set")])]
    inspections = inspect_all(source, list(listed.values()), report)
    sides = _sides(lists)
    side_of = [next(iter(sides[name]), "") for name in listed]
    pairs = duplicate_pairs(inspections, side_of)
    splits = _summaries(lists, inspections, source.labels)
    problems += [problem for inspection in inspections for problem in inspection.problems]
    problems += _listed_twice(sides)
    problems += [pair.problem for pair in pairs] + group_leaks(list(listed.values()), side_of)
    problems += _absent_classes(splits.get(TRAINVAL))
    sources = _by_source(inspections, source.labels)
    comparable = _comparable(lists, inspections)
    return CheckResult(source.labels, inspections, splits, sources, tuple(pairs), grouped(problems), comparable)


def inspect_all(source: DataSource, samples: Sequence[Sample], report: Report) -> tuple[Inspection, ...]:
    """Inspects pictures in threads; the results are in their order."""
    done = []
    with ThreadPoolExecutor() as pool:
        for inspection in pool.map(partial(inspect, source), samples):
            done.append(inspection)
            report(len(done), len(samples))
    return tuple(done)


def _lists(source: DataSource) -> tuple[dict[str, list[Sample]], list[Problem]]:
    """Pictures by list, that of training first, and what is wrong with the lists."""
    lists, problems = {}, []
    try:
        splits = source.splits
    except DataError as error:
        return {}, _of_layout(error)
    for split in dict.fromkeys([TRAINVAL, *splits]):
        try:
            lists[split] = source.samples(split)
        except DataError as error:
            problems += _of_layout(error)
    return lists, problems


def _others(source: DataFolder, listed: Collection[str]) -> tuple[list[Sample], list[Problem]]:
    """Pictures and masks on no list, and what is wrong with the files."""
    try:
        return [sample for sample in source.everything() if sample.name not in listed], []
    except DataError as error:
        return [], _of_layout(error)


def _of_layout(error: DataError) -> list[Problem]:
    """Each problem under the name of its file."""
    return [Problem(LAYOUT, *problem.split(": ", 1)) for problem in error.problems]


def _unused(sample: Sample) -> Problem:
    if not sample.picture.is_file():
        return Problem(NO_PICTURE, sample.name)
    return Problem(UNLISTED if sample.mask.is_file() else NO_MASK, sample.name)


def _sides(lists: Mapping[str, list[Sample]]) -> dict[str, list[str]]:
    """Those of `LISTS` that each name is on."""
    sides: dict[str, list[str]] = defaultdict(list)
    for split in LISTS:
        for sample in lists.get(split, []):
            sides[sample.name].append(split)
    return sides


def _summaries(
    lists: Mapping[str, list[Sample]], inspections: Sequence[Inspection], labels: LabelMap
) -> dict[str, Summary]:
    by_name = {inspection.sample.name: inspection for inspection in inspections}
    of_lists = {
        split: summarise([by_name[sample.name] for sample in samples], labels) for split, samples in lists.items()
    }
    return of_lists | {ALL: summarise(inspections, labels)}


def _listed_twice(sides: Mapping[str, list[str]]) -> list[Problem]:
    return [
        Problem(LISTED_TWICE, name, f"{one} and {other}")
        for name, found in sides.items()
        for one, other in combinations(found, 2)
    ]


def _absent_classes(training: Summary | None) -> list[Problem]:
    if training is None or not training.usable:
        return []
    return [Problem(ABSENT_CLASS, name) for name, share in training.classes.items() if not share.pictures]


def _by_source(inspections: Sequence[Inspection], labels: LabelMap) -> dict[str, Summary]:
    members: dict[str, list[Inspection]] = defaultdict(list)
    for inspection in inspections:
        members[inspection.sample.source].append(inspection)
    return {name: summarise(members[name], labels) for name in sorted(members)} if len(members) > 1 else {}


def _comparable(lists: Mapping[str, list[Sample]], inspections: Sequence[Inspection]) -> tuple[Sample, ...]:
    """What is on no list is left out, too: where the list `test` cannot be read, its pictures are among them."""
    listed = {sample.name for samples in lists.values() for sample in samples}
    names = listed - {sample.name for sample in lists.get(TEST, [])}
    return tuple(i.sample for i in inspections if i.pixels is not None and i.sample.name in names)
