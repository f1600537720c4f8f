"""The report of an evaluation for a terminal: Markdown tables."""

from app.training.evaluation.bootstrap import Difference, Interval
from app.training.evaluation.report import Report
from app.training.evaluation.scoring import markdown, shown, table


def report_text(report: Report) -> str:
    """Scores and their intervals; compared with another network, the scores of both and the differences instead."""
    if report.comparison is None:
        return f"{table(report.metrics)}\n\n{_intervals(report.intervals)}"
    both = {report.network: report.whole, report.comparison.network: report.comparison.metrics}
    return f"{table(both, report.split)}\n\n{differences_table(report.comparison.differences)}"


def differences_table(differences: tuple[Difference, ...]) -> str:
    """Paired differences, a row a measure."""
    head = ["difference in", "first less second", "95 % interval", "draws above zero"]
    return markdown(head, [difference_cells(difference) for difference in differences])


def difference_cells(difference: Difference) -> list[str]:
    """Measure, difference, interval and draws above zero as text."""
    if difference.value is None or difference.low is None or difference.high is None or difference.above_zero is None:
        return [difference.measure, "–", "–", "–"]
    interval = f"{difference.low:+.4f} … {difference.high:+.4f}"
    return [difference.measure, f"{difference.value:+.4f}", interval, f"{100 * difference.above_zero:.1f} %"]


def interval_text(interval: Interval) -> str:
    """Both ends, three digits, or a dash."""
    if interval.low is None or interval.high is None:
        return "–"
    return f"{interval.low:.3f} – {interval.high:.3f}"


def _intervals(intervals: tuple[Interval, ...]) -> str:
    rows = [[interval.measure, shown(interval.value), interval_text(interval)] for interval in intervals]
    return markdown(["measure", "without flip", "95 % interval"], rows)
