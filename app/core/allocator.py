"""The C library's allocator, kept from holding what was freed."""

import ctypes
import os
import platform

LARGE_BYTES = 4 * 2**20
"""Above the arrays of an ordinary picture, which are taken and freed faster where the allocator keeps them."""
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3


def return_large_blocks() -> None:
    """From now on blocks of `LARGE_BYTES` and more go back to the system as soon as they are freed (glibc).

    By itself glibc takes the largest block that was freed, up to 32 MB, for the limit below which it keeps memory, in
    each of the threads' arenas: after some large pictures the process stays as large as they were.

    Nothing is changed where the environment sets a threshold, or under another C library.
    """
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    chosen = any(f"MALLOC_{each}_THRESHOLD_" in os.environ for each in ("MMAP", "TRIM"))
    chosen = chosen or any(f"glibc.malloc.{each}_threshold" in tunables for each in ("mmap", "trim"))
    if chosen or platform.libc_ver()[0] != "glibc":
        return
    library = ctypes.CDLL(None)
    library.mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
    library.mallopt(M_TRIM_THRESHOLD, LARGE_BYTES)
