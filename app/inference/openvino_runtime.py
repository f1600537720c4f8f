"""OpenVINO, imported when it is needed, without its telemetry."""

import sys
from functools import cache
from threading import Lock
from typing import Any

from app.core.errors import ConfigurationError
from app.core.settings import Precision


def import_openvino() -> Any:
    """The `openvino` package.

    On import OpenVINO reports to its maker over the network and writes a client id to the home directory, unless its
    package `openvino_telemetry` is missing: it then uses a stub of its own. So it is made to look missing.

    Raises:
        ConfigurationError: it is not installed, or cannot be loaded here.
    """
    if "openvino" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # how Python spells "cannot be imported"
    try:
        import openvino
    except ImportError as error:
        raise ConfigurationError(f"OpenVINO cannot be loaded: {error}") from error
    return openvino


def openvino_core() -> Any:
    """The `openvino.Core` of this process; it is never freed.

    A core gives the thread that makes it another stack for signal handlers, and gives back the one from before when it
    is freed: of two in one thread, the one that is freed last gives back the first one's, which is gone, and the next
    signal kills the process (seen with OpenVINO 2026.4.1; pull request 11894 of openvinotoolkit/openvino brought it).

    Raises:
        ConfigurationError: OpenVINO is not installed, or cannot be loaded here.
    """
    with _making:
        return _only_core()


_making = Lock()


@cache
def _only_core() -> Any:
    return import_openvino().Core()


def require_precision(precision: Precision) -> None:
    """Lets pass what this CPU computes in hardware.

    Raises:
        ConfigurationError: bfloat16 on a CPU without it, or no OpenVINO.
    """
    capabilities = openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if precision == "bfloat16" and "BF16" not in capabilities:
        raise ConfigurationError("precision=bfloat16: this CPU does not have it (AVX512_BF16 or AMX); use float32")
