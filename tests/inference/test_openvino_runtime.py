import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.core.errors import ConfigurationError
from app.inference import openvino_runtime
from app.inference.engine import OPENVINO_FILE
from app.inference.openvino_runtime import import_openvino, openvino_core, require_precision
from app.inference.selection import is_installed
from app.store.repository import ModelStore

needs_openvino = pytest.mark.skipif(not is_installed("openvino"), reason="OpenVINO is an extra")

WITHOUT_NETWORK = """
import socket, sys

def refuse(*arguments, **options):
    raise AssertionError("the network was tried")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from app.inference.openvino_runtime import import_openvino
import_openvino()
print(sys.modules["openvino_telemetry"], sys.modules["openvino"].__name__)
"""


@needs_openvino
def test_import_sends_nothing_and_writes_nothing(tmp_path: Path) -> None:
    silent = {name: value for name, value in os.environ.items() if name not in ("CI", "TF_BUILD", "JENKINS_URL")}
    environment = {**silent, "HOME": str(tmp_path)}
    command = [sys.executable, "-c", WITHOUT_NETWORK]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.split() == ["None", "openvino"]
    assert list(tmp_path.iterdir()) == []


@needs_openvino
def test_float32_is_everywhere() -> None:
    require_precision("float32")
    assert import_openvino().__name__ == "openvino"


SIGNAL_AFTER_ENGINES = """
import gc, signal, sys
from pathlib import Path
from app.inference.openvino_engine import OpenVinoEngine

first, second = (OpenVinoEngine(Path(sys.argv[1]), (32, 32), "float32", threads=1) for _ in range(2))
del first
gc.collect()
del second
gc.collect()
signal.signal(signal.SIGTERM, lambda number, frame: print("handled"))
signal.raise_signal(signal.SIGTERM)
"""


@needs_openvino
def test_signals_are_handled_after_engines_were_freed(tiny_store: ModelStore) -> None:
    command = [sys.executable, "-c", SIGNAL_AFTER_ENGINES, str(tiny_store.resolve("pets").path / OPENVINO_FILE)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (result.returncode, result.stdout) == (0, "handled\n")


@needs_openvino
def test_one_core_for_all_threads() -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len({id(core) for core in pool.map(lambda _: openvino_core(), range(8))}) == 1


class Core:
    """A CPU with these abilities; the one here cannot change its own."""

    def __init__(self, abilities: list[str]) -> None:
        self._abilities = abilities

    def get_property(self, device: str, name: str) -> list[str]:
        assert (device, name) == ("CPU", "OPTIMIZATION_CAPABILITIES")
        return self._abilities


def test_bfloat16_needs_a_cpu_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_runtime, "openvino_core", lambda: Core(["FP32", "INT8", "BF16"]))
    require_precision("bfloat16")
    monkeypatch.setattr(openvino_runtime, "openvino_core", lambda: Core(["FP32", "INT8"]))
    require_precision("float32")
    with pytest.raises(ConfigurationError, match="this CPU does not have it"):
        require_precision("bfloat16")


def test_missing_openvino_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ConfigurationError, match="OpenVINO cannot be loaded"):
        import_openvino()
