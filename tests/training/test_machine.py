import os
import platform
from pathlib import Path

import keras
import pytest

from app.training.machine import processor, training_machine


def test_processor_from_what_linux_tells(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    core = "model name\t: Some CPU\nflags\t\t: fpu avx2 avx512f sse\n\n"
    info.write_text(core + core)
    assert processor(info) == f"Some CPU, {os.cpu_count()} cores (avx2, avx512f)"


def test_processor_elsewhere(tmp_path: Path) -> None:
    assert processor(tmp_path / "missing") == f"{platform.machine()}, {os.cpu_count()} cores"


def test_training_machine_names_the_device() -> None:
    assert training_machine().startswith(processor())
    assert "; Keras with tensorflow on CPU" in training_machine()


def test_a_gpu_of_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["gpu:0", "gpu:1"])
    assert training_machine().endswith("; Keras with tensorflow on GPU")
