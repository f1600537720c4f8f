"""What a check found, for a terminal and as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from app.training.checking.check import CheckResult
from app.training.checking.disagreement import SHOWN, Disagreement
from app.training.checking.problems import Finding
from app.training.checking.summary import Range, Summary
from app.training.evaluation.scoring import markdown
from app.training.sources.listing import some

Rows = list[list[str]]

SIZE_HEAD = ["pictures", "usable", "width", "height", "width / height", "undecided pixels"]


def report_text(result: CheckResult, ranking: Sequence[Disagreement]) -> str:
    """Tables, then the problems, each with its remedy, then one line that sums up."""
    parts = [
        markdown(["list", *SIZE_HEAD], size_rows(result.splits)),
        markdown(*class_table(result.splits)),
    ]
    if result.sources:
        parts += [markdown(["source", *SIZE_HEAD], size_rows(result.sources)), markdown(*class_table(result.sources))]
    if ranking:
        parts.append(markdown(["most contradicted masks", "sure of another class", "mean IoU"], ranking_rows(ranking)))
    parts += [finding_text(finding) for finding in result.findings]
    return "\n\n".join([*parts, closing_line(result)])


def size_rows(summaries: Mapping[str, Summary]) -> Rows:
    """Numbers of pictures and their sizes, a row a summary."""
    return [
        [
            name or "–",
            str(summary.pictures),
            str(summary.usable),
            range_text(summary.width),
            range_text(summary.height),
            range_text(summary.aspect, digits=2),
            percent(summary.undecided),
        ]
        for name, summary in summaries.items()
    ]


def class_table(summaries: Mapping[str, Summary]) -> tuple[list[str], Rows]:
    """Head and rows: for each class its share of the pixels, and in how many pictures it is."""
    head = ["class", *(f"{name or '–'}: {what}" for name in summaries for what in ("pixels", "pictures"))]
    names = next(iter(summaries.values())).classes
    rows = []
    for name in names:
        shares = [summary.classes[name] for summary in summaries.values()]
        rows.append([name, *(text for share in shares for text in (percent(share.pixels), str(share.pictures)))])
    return head, rows


def ranking_rows(ranking: Sequence[Disagreement]) -> Rows:
    """The first of a ranking: name, share of contradicted pixels, mean IoU."""
    return [[one.sample.name, percent(one.contradicted), f"{one.mean_iou:.3f}"] for one in ranking[:SHOWN]]


def finding_text(finding: Finding) -> str:
    """Two lines: what, how many and the first of them; what to do."""
    names = some(problem.name for problem in finding.problems)
    kind = finding.kind
    detail = f" {finding.detail}:" if finding.detail else ""
    return f"{kind.severity}: {kind.title} ({len(finding.problems)}):{detail} {names}\n  → {kind.remedy}"


def closing_line(result: CheckResult) -> str:
    """How many pictures were looked at, and how many kinds of problems there are."""
    kinds = [finding.kind.severity for finding in result.findings]
    if not kinds:
        return f"{len(result.inspections)} pictures, no problem found"
    errors, warnings = kinds.count("error"), kinds.count("warning")
    verdict = "training would stop" if errors else "training can start"
    return f"{len(result.inspections)} pictures; kinds of errors: {errors}, of warnings: {warnings}: {verdict}"


def report_json(result: CheckResult, ranking: Sequence[Disagreement]) -> str:
    """All of it, every problem by name."""
    content = {
        "classes": [label.name for label in result.labels],
        "pictures": len(result.inspections),
        "ok": result.ok,
        "lists": {name: asdict(summary) for name, summary in result.splits.items()},
        "sources": {name: asdict(summary) for name, summary in result.sources.items()},
        "findings": [_finding(finding) for finding in result.findings],
        "disagreements": [asdict(one) | {"sample": one.sample.name} for one in ranking],
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "kind": finding.kind.name,
        "severity": finding.kind.severity,
        "title": finding.kind.title,
        "remedy": finding.kind.remedy,
        "detail": finding.detail,
        "problems": [{"name": problem.name, "detail": problem.detail} for problem in finding.problems],
    }


def range_text(numbers: Range | None, digits: int = 0) -> str:
    """Least, median, largest; one number where they are the same."""
    if numbers is None:
        return "–"
    values = [f"{value:.{digits}f}" for value in (numbers.minimum, numbers.median, numbers.maximum)]
    return values[0] if len(set(values)) == 1 else " – ".join(values)


def percent(share: float) -> str:
    """A share, 0–1, in percent; more than nothing never reads as nothing."""
    return "<0.1 %" if 0 < share < 0.001 else f"{100 * share:.1f} %"
