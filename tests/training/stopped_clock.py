"""A clock for tests of what depends on time."""


class Clock:
    """Stands still unless it's moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now
