import os
import platform
import subprocess
import sys

import pytest

from app.core.allocator import return_large_blocks

PROGRAM = """
import os
from app.core.allocator import return_large_blocks

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

return_large_blocks()
largest = b"x" * 30_000_000
del largest  # now glibc would keep what is smaller
before = resident()
blocks = [(b"x" * 6_000_000, b"y" * 90_000) for _ in range(10)]
most = resident()
between = [small for _, small in blocks]
del blocks
print(most - before, resident() - before)
"""


def megabytes(**environment: str) -> tuple[float, float]:
    """Ten blocks of 6 MB: what they took, what was left of it when they were freed."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**inherited, **environment})
    most, left = map(float, done.stdout.split())
    return most, left


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such thresholds")
class TestGlibc:
    def test_what_is_freed_goes_back(self) -> None:
        most, left = megabytes()
        assert most > 55
        assert left < 5

    @pytest.mark.parametrize(
        "environment",
        [{"MALLOC_MMAP_THRESHOLD_": "33554432"}, {"GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=33554432"}],
        ids=["MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"],
    )
    def test_the_environment_s_choice_stands(self, environment: dict[str, str]) -> None:
        assert megabytes(**environment)[1] > 50

    def test_another_threshold_is_none_of_the_allocator_s(self) -> None:
        assert megabytes(GLIBC_TUNABLES="glibc.cpu.x86_rep_movsb_threshold=4096")[1] < 5


def test_other_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr("ctypes.CDLL", lambda _: pytest.fail("called the C library"))
    return_large_blocks()
