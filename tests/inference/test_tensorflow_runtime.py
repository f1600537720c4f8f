import json
import subprocess
import sys
from typing import Any

import pytest

from app.inference import tensorflow_runtime
from app.inference.tensorflow_runtime import import_tensorflow, set_up_tensorflow, tensorflow_gpus


def in_a_new_process(code: str) -> Any:  # whatever the code prints as JSON
    """TensorFlow takes threads and devices only once a process."""
    head = "import json\nfrom app.inference.tensorflow_runtime import *\n"
    command = [sys.executable, "-c", head + code]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout)


def test_threads_are_shared_by_the_streams_and_kept_by_the_first_call() -> None:
    code = """
first = set_up_tensorflow("cpu", threads=4, streams=2)
tf = import_tensorflow()
within = tf.config.threading.get_intra_op_parallelism_threads()
tf.constant(1) + 1
print(json.dumps([first, within, set_up_tensorflow("cpu", threads=3, streams=1)]))
"""
    assert in_a_new_process(code) == [4, 2, 4]


class Recorder:
    """Stands in for `tensorflow.config` of a machine with two GPUs: notes every call."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:  # any function of that module
        if name in ("config", "experimental", "threading", "optimizer"):
            return self
        if name == "list_physical_devices":
            return lambda kind: ["GPU:0", "GPU:1"]
        if name.startswith("get_"):
            return lambda: 2
        return lambda *arguments: self.calls.append((name, *arguments))


def test_gpu_memory_grows_and_float32_is_not_rounded(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    monkeypatch.setattr(tensorflow_runtime, "import_tensorflow", lambda: recorder)
    set_up_tensorflow("gpu", threads=8, streams=1)
    assert ("set_memory_growth", "GPU:0", True) in recorder.calls
    assert ("set_memory_growth", "GPU:1", True) in recorder.calls
    assert ("enable_tensor_float_32_execution", False) in recorder.calls
    assert tensorflow_gpus() == 2


def test_on_the_cpu_gpus_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    monkeypatch.setattr(tensorflow_runtime, "import_tensorflow", lambda: recorder)
    assert set_up_tensorflow("cpu", threads=4, streams=2) == 4
    assert ("set_visible_devices", [], "GPU") in recorder.calls
    assert not [call for call in recorder.calls if call[0] == "set_memory_growth"]


def test_it_is_the_real_one() -> None:
    assert import_tensorflow().__name__ == "tensorflow"
    assert tensorflow_gpus() >= 0
