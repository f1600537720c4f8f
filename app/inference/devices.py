"""Which GPUs the driver shows."""

import ctypes
from collections.abc import Callable
from typing import Any

CUDA_SUCCESS = 0


def visible_gpus(load: Callable[[str], Any] = ctypes.CDLL) -> int:
    """Number of GPUs that NVIDIA's driver library shows to this process; 0 where there is no driver.

    The library is asked itself, so that a CPU server finds out without importing TensorFlow. It honours
    `CUDA_VISIBLE_DEVICES`.

    Args:
        load: loads a shared library by name, raises OSError where there is none.
    """
    try:
        libcuda = load("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if libcuda.cuInit(0) != CUDA_SUCCESS or libcuda.cuDeviceGetCount(ctypes.byref(count)) != CUDA_SUCCESS:
        return 0
    return count.value
