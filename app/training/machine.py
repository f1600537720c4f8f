"""On what something was trained or measured, in words."""

import os
import platform
from pathlib import Path

WIDE = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16")
"""What a processor may have that decides over the speed of a network."""
CPU_INFO = Path("/proc/cpuinfo")


def processor(cpu_info: Path = CPU_INFO) -> str:
    """The processor, its cores and instruction sets: `AMD EPYC, 2 cores (avx2, avx512f)`.

    Args:
        cpu_info: where Linux tells of it; elsewhere the platform's own word is taken.
    """
    name, flags = platform.machine(), set[str]()
    if cpu_info.is_file():
        lines = [line.partition(":") for line in cpu_info.read_text("utf-8").splitlines()]
        facts = {key.strip(): value.strip() for key, _, value in reversed(lines)}
        name, flags = facts.get("model name", name), set(facts.get("flags", "").split())
    found = ", ".join(flag for flag in WIDE if flag in flags)
    return f"{name}, {os.cpu_count()} cores" + (f" ({found})" if found else "")


def training_machine() -> str:
    """The processor, and which devices Keras computes on: the kind, with JAX the name of the GPU."""
    import keras

    backend = keras.backend.backend()
    if backend == "jax":
        import jax  # type: ignore[import-not-found,unused-ignore]  # only where it is Keras' backend

        found = {"CPU" if device.platform == "cpu" else device.device_kind for device in jax.devices()}
    else:
        found = {device.partition(":")[0].upper() for device in keras.distribution.list_devices()}
    return f"{processor()}; Keras with {backend} on {' and '.join(sorted(found))}"
