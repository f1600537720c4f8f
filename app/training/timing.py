"""Timing of several functions in turn, so that drift of the machine meets all of them."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence


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


def median_ratio(times: Sequence[float], base: Sequence[float]) -> float:
    """Median over the rounds of one function's time divided by another's: what slows a round down slows both."""
    return statistics.median(one / other for one, other in zip(times, base, strict=True))
