"""How many CPUs this process may use."""

import os
from pathlib import Path


def available_cpus(
    affinity: int | None = None,
    cgroup_root: Path = Path("/sys/fs/cgroup"),
    own_cgroup: Path = Path("/proc/self/cgroup"),
) -> int:
    """CPUs to compute with: the smaller of the affinity and the CPU quota (cgroup v2 `cpu.max`), at least 1.

    A broken quota is rounded down: a thread more than the quota pays for is put to sleep in the middle of a picture,
    and what is left over goes to decoding and encoding.

    Args:
        affinity: CPUs that the scheduler may put this process on; None: asked of the kernel.
        cgroup_root: where the cgroup v2 hierarchy is mounted.
        own_cgroup: the kernel's list of the cgroups of this process.
    """
    allowed = _affinity() if affinity is None else affinity
    quotas = [_quota(folder / "cpu.max") for folder in _cgroup_folders(cgroup_root, own_cgroup)]
    return max(1, int(min([allowed, *(quota for quota in quotas if quota is not None)])))


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cgroup_folders(root: Path, own_cgroup: Path) -> list[Path]:
    """The folder of this process and those above it; a limit on any of them holds.

    In a container the path may be one of the host's, which is not mounted there: the root of the mount is then its own.
    """
    try:
        lines = own_cgroup.read_text().splitlines()
    except OSError:
        return [root]
    paths = [line.removeprefix("0::") for line in lines if line.startswith("0::")]
    parts = [part for path in paths[:1] for part in path.split("/") if part not in ("", "..")]
    return [root.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1)]


def _quota(cpu_max: Path) -> float | None:
    """CPUs that a `cpu.max` file ("QUOTA PERIOD" in microseconds, or "max PERIOD") allows; None: no limit."""
    try:
        quota, period = cpu_max.read_text().split()
    except (OSError, ValueError):
        return None
    return None if quota == "max" else int(quota) / int(period)
