"""A table of functions timed in turn."""

import statistics
from collections.abc import Mapping

from app.training.timing import median_ratio


def ratio_table(times: Mapping[str, list[float]]) -> str:
    """Markdown: median time and, round by round, the median ratio of the first function's time to each one's."""
    baseline = next(iter(times.values()))
    lines = ["| | median ms | times as fast as the first |", "|---|---|---|"]
    for name, values in times.items():
        ratio = median_ratio(baseline, values)
        lines.append(f"| {name} | {statistics.median(values):.1f} | {ratio:.2f} |")
    return "\n".join(lines)
