"""What came of a campaign."""

import collections
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.subject import Result


@dataclass
class Tally:
    """Counts, by kind and outcome, and what should not have come."""

    counts: collections.Counter[tuple[str, str]] = field(default_factory=collections.Counter)
    findings: list[str] = field(default_factory=list)
    slowest: tuple[float, int] = (0.0, 0)
    grown_mb: float = 0.0

    def note(self, kind: str, number: int, result: Result) -> None:
        """Counts a result."""
        self.counts[kind, result.outcome] += 1
        self.slowest = max(self.slowest, (result.seconds, number))
        self.grown_mb = max(self.grown_mb, result.grown_mb)
        if result.wrong is not None:
            self.findings.append(f"{number} ({kind}, {result.outcome}): {result.wrong}")

    def table(self) -> str:
        """Markdown: a row a kind, a column an outcome."""
        kinds = sorted({kind for kind, _ in self.counts})
        outcomes = sorted({outcome for _, outcome in self.counts})
        lines = [f"| | inputs | {' | '.join(outcomes)} |", f"|---|{'---|' * (1 + len(outcomes))}"]
        for name, chosen in [*((kind, [kind]) for kind in kinds), ("all", kinds)]:
            cells = [sum(self.counts[kind, outcome] for kind in chosen) for outcome in outcomes]
            lines.append(f"| {name} | {sum(cells):,} | {' | '.join(f'{cell:,}' if cell else '' for cell in cells)} |")
        return "\n".join(lines)

    def summary(self) -> str:
        """A sentence."""
        seconds, number = self.slowest
        return (
            f"{sum(self.counts.values()):,} inputs, {len(self.findings)} that should not have come; "
            f"the slowest ({number}) took {seconds:.2f} s; memory grew by {self.grown_mb:.0f} MB at most"
        )


def keep(folder: Path, name: str, data: bytes) -> None:
    """Writes an input that failed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
