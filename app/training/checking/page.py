"""What a check found as one HTML page, with pictures to look at."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from app import __version__
from app.core.labels import LabelMap
from app.imaging.geometry import resize_mask, resize_picture, shrunk
from app.training.checking.check import CheckResult
from app.training.checking.disagreement import CONFIDENT, Disagreement
from app.training.checking.duplicates import Pair
from app.training.checking.inspection import Inspection
from app.training.checking.problems import Finding, Problem
from app.training.checking.text import SIZE_HEAD, class_table, closing_line, percent, size_rows
from app.training.dataset import read_picture
from app.training.html import (
    Html,
    Section,
    data_uri,
    figure,
    gallery,
    joined,
    legend,
    page,
    paragraph,
    picture,
    row,
    table,
)
from app.training.sheets import tinted
from app.training.sources.samples import DataSource, Sample

if TYPE_CHECKING:
    from app.training.evaluation.gallery import Exhibit

Array = np.ndarray[Any, np.dtype[Any]]

LONGEST_SIDE = 320
NARROW = 320
"""Least width of a column of two pictures."""
SAMPLES = 24
PAIRS = 40
"""Most pairs that are shown; all are counted."""
NAMES = 200
"""Most names of one finding; all are in the JSON."""


def check_page(
    title: str, result: CheckResult, source: DataSource, exhibits: Sequence[tuple["Exhibit", Disagreement]]
) -> str:
    """One self-contained page: problems, numbers, samples, pairs of the same picture, contradicted masks.

    Args:
        title: what was checked.
        result: what was found.
        source: reads the pictures that are shown.
        exhibits: most contradicted masks, drawn.
    """
    sections = [Section("Problems", _problems(result.findings)), Section("Numbers", _numbers(result))]
    sections += (
        [Section("Masks that the model contradicts", _contradicted(exhibits, result.labels))] if exhibits else []
    )
    shown = result.pairs[:PAIRS]
    sections += [Section("Pictures that show the same", _pairs(shown, len(result.pairs)))] if shown else []
    chosen = spread(result.inspections, result.labels)
    sections += [Section("Samples", _samples(chosen, source))] if chosen else []
    return page(title, closing_line(result), sections, f"Made by segserve {__version__}.")


def spread(inspections: Sequence[Inspection], labels: LabelMap, count: int = SAMPLES) -> list[Sample]:
    """Usable pictures in turn from each source and each rarest class in a picture, evenly over each of these."""
    usable = [(i.sample, np.flatnonzero(i.pixels)) for i in inspections if i.pixels is not None]
    occurrences = np.bincount(np.concatenate([[], *(p for _, p in usable)]).astype(int), minlength=len(labels))
    kinds: dict[tuple[str, int], list[Sample]] = defaultdict(list)
    for sample, present in usable:
        kinds[sample.source, min(present.tolist(), key=lambda label: occurrences[label])].append(sample)
    even = [members[:: -(-len(members) // count)] for _, members in sorted(kinds.items())]
    turns = (sample for turn in zip_longest(*even) for sample in turn if sample is not None)
    return list(islice(turns, count))


def _problems(findings: Sequence[Finding]) -> list[str]:
    if not findings:
        return ["None found."]
    parts: list[str] = []
    for finding in findings:
        kind, shown = finding.kind, finding.problems[:NAMES]
        names = ", ".join(_named(problem, finding) for problem in shown)
        more = len(finding.problems) - len(shown)
        detail = f": {finding.detail}" if finding.detail else ""
        head = Html(f"<strong>{kind.severity}</strong> ")
        parts.append(paragraph(joined([head, f"{kind.title} ({len(finding.problems)}){detail}; {kind.remedy}."])))
        parts.append(paragraph(names + (f" and {more} more" if more else "")))
    return parts


def _named(problem: Problem, finding: Finding) -> str:
    """A name, and what is wrong where it differs from the others', without its remedy."""
    return problem.name if problem.detail == finding.detail else f"{problem.name}: {problem.detail.partition(';')[0]}"


def _numbers(result: CheckResult) -> list[str]:
    caption = "Ranges are least – median – largest. Usable: picture and mask could be trained on."
    shares = "Shares are of the pixels that are of any class; pictures: how many contain the class."
    parts = [table(["list", *SIZE_HEAD], size_rows(result.splits), caption), table(*class_table(result.splits), shares)]
    if result.sources:
        parts += [
            table(["source", *SIZE_HEAD], size_rows(result.sources), "The same by source."),
            table(*class_table(result.sources), shares),
        ]
    return list(parts)


def _contradicted(exhibits: Sequence[tuple["Exhibit", Disagreement]], labels: LabelMap) -> list[str]:
    words = (
        f"Ranked by the share of pixels for which the model is sure (p ≥ {CONFIDENT}) of another class than the mask. "
        "From left to right: picture, mask of the data, mask of the model, difference. Wrong masks are among the "
        "first, beside pictures that the model does not understand: look at each before you change it. The list test "
        "is not ranked: masks mended by a model's word would flatter it."
    )
    return [
        words,
        legend([(label.name, label.colour) for label in labels]),
        gallery([_exhibit(drawn, disagreement) for drawn, disagreement in exhibits]),
    ]


def _exhibit(each: "Exhibit", disagreement: Disagreement) -> Html:
    name = disagreement.sample.name
    pictures = [
        picture(each.picture, f"Picture {name}"),
        picture(each.truth, f"Mask of {name} in the data"),
        picture(each.mask, f"Mask that the model gives for {name}"),
        picture(each.difference, f"Where they differ in {name}"),
    ]
    caption = f"{name}: {percent(disagreement.contradicted)} contradicted, mean IoU {disagreement.mean_iou:.3f}"
    return figure(row(pictures), caption)


def _pairs(pairs: Sequence[Pair], total: int) -> list[str]:
    words = f"{len(pairs)} of {total} pairs, those on two lists first."
    return [words, gallery([_pair(pair) for pair in pairs], NARROW)]


def _pair(pair: Pair) -> Html:
    pictures = [picture(_photograph(read_picture(s.picture)), f"Picture {s.name}") for s in (pair.one, pair.other)]
    return figure(row(pictures), f"{pair.one.name} = {pair.other.name}: {pair.kind.title.removeprefix('pairs of ')}")


def _samples(samples: Sequence[Sample], source: DataSource) -> list[str]:
    words = "Some of each source and class, the mask tinted over the picture; undecided pixels are black."
    return [
        words,
        legend([(label.name, label.colour) for label in source.labels]),
        gallery([_sample(sample, source) for sample in samples], NARROW),
    ]


def _sample(sample: Sample, source: DataSource) -> Html:
    pixels, mask = read_picture(sample.picture), source.mask(sample)
    geometry = shrunk((pixels.shape[0], pixels.shape[1]), LONGEST_SIDE)
    small = resize_picture(pixels, geometry)
    covered = tinted(small, resize_mask(mask, geometry), source.labels)
    pictures = [
        picture(data_uri(small, "JPEG"), f"Picture {sample.name}"),
        picture(data_uri(covered, "JPEG"), f"Mask of {sample.name}"),
    ]
    origin = " ".join(part for part in (sample.source, sample.mask_kind) if part)
    return figure(row(pictures), f"{sample.name}{f' ({origin})' if origin else ''}")


def _photograph(pixels: Array) -> str:
    return data_uri(resize_picture(pixels, shrunk((pixels.shape[0], pixels.shape[1]), LONGEST_SIDE)), "JPEG")
