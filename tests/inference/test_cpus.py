from pathlib import Path

import pytest

from app.inference.cpus import available_cpus


def cpus(root: Path, own: str, affinity: int = 16) -> int:
    listing = root / "own"
    listing.write_text(own)
    return available_cpus(affinity, root, listing)


@pytest.mark.parametrize(
    ("cpu_max", "expected"),
    [
        ("100000 100000", 1),
        ("200000 100000", 2),
        ("350000 100000", 3),
        ("50000 100000", 1),
        ("5000 1000", 5),
        ("max 100000", 16),
        ("3200000 100000", 16),
        ("unreadable", 16),
    ],
)
def test_quota_of_the_own_group(tmp_path: Path, cpu_max: str, expected: int) -> None:
    (tmp_path / "cpu.max").write_text(f"{cpu_max}\n")
    assert cpus(tmp_path, "0::/\n") == expected


def test_smallest_quota_of_the_ancestors_holds(tmp_path: Path) -> None:
    folder = tmp_path / "pods" / "segserve"
    folder.mkdir(parents=True)
    (folder / "cpu.max").write_text("800000 100000\n")
    (folder.parent / "cpu.max").write_text("300000 100000\n")
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert cpus(tmp_path, "0::/pods/segserve\n") == 3


def test_path_of_the_host_that_is_not_mounted_falls_back_to_the_root(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("200000 100000\n")
    assert cpus(tmp_path, "1:cpu:/old\n0::/../docker/4711\n") == 2


def test_affinity_below_the_quota_holds(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("800000 100000\n")
    assert cpus(tmp_path, "0::/\n", affinity=2) == 2


def test_without_cgroups_the_affinity_holds(tmp_path: Path) -> None:
    assert available_cpus(4, tmp_path / "missing", tmp_path / "missing") == 4


def test_this_machine_has_at_least_one() -> None:
    assert available_cpus() >= 1
