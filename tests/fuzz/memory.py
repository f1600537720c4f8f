"""How much memory a process had at most (Linux)."""

from pathlib import Path


def forget_peak(process: int) -> None:
    """Begins anew with what it has now."""
    Path(f"/proc/{process}/clear_refs").write_text("5")


def peak_mb(process: int) -> float:
    """Largest resident memory since then, in MB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1e3
