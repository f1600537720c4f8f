"""Timing of several functions in turn, so that drift of the machine meets all of them."""

import statistics
import time
from collections.abc import Callable, Mapping


def alternate(functions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Calls each function once a round, in turn, after one uncounted round.

    Args:
        functions: by name.
        rounds: counted ones.

    Returns:
        Milliseconds of each counted call, by name.
    """
    times: dict[str, list[float]] = {name: [] for name in functions}
    for counted in (False, *[True] * rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if counted:
                times[name].append((time.perf_counter() - start) * 1e3)
    return times


def ratio_table(times: Mapping[str, list[float]]) -> str:
    """Markdown: median time and, round by round, the median ratio of the first function's time to each one's."""
    baseline = next(iter(times.values()))
    lines = ["| | median ms | times as fast as the first |", "|---|---|---|"]
    for name, values in times.items():
        ratio = statistics.median(first / value for first, value in zip(baseline, values, strict=True))
        lines.append(f"| {name} | {statistics.median(values):.1f} | {ratio:.2f} |")
    return "\n".join(lines)
