"""Which engine and device a version runs on, and why."""

import importlib.util
from collections.abc import Callable, Collection
from dataclasses import dataclass

from app.core.errors import ConfigurationError
from app.core.settings import Settings
from app.inference.devices import visible_gpus
from app.inference.engine import KERAS_FILE, OPENVINO_FILE, DeviceName, EngineName
from app.inference.tensorflow_runtime import tensorflow_gpus

GET_OPENVINO = "install it with `pip install segserve[cpu]`"
GET_TENSORFLOW = "install it with `pip install tensorflow`"


@dataclass(frozen=True)
class EngineSelection:
    """The chosen engine.

    Args:
        engine: which.
        device: what it computes on.
        reason: why, for the log and `GET /model`.
        unused_gpus: GPUs that the driver shows but TensorFlow cannot use, so that the CPU computes; 0 if all is well.
    """

    engine: EngineName
    device: DeviceName
    reason: str
    unused_gpus: int = 0


def is_installed(package: str) -> bool:
    """Whether a package can be imported; it is not imported for that."""
    return importlib.util.find_spec(package) is not None


@dataclass(frozen=True)
class Platform:
    """What this machine offers; asked only where the answer matters.

    Args:
        visible_gpus: number of GPUs that the driver shows.
        tensorflow_gpus: number of GPUs that TensorFlow can use; imports TensorFlow.
        is_installed: whether a package is there.
    """

    visible_gpus: Callable[[], int] = visible_gpus
    tensorflow_gpus: Callable[[], int] = tensorflow_gpus
    is_installed: Callable[[str], bool] = is_installed


def choose_engine(settings: Settings, files: Collection[str], platform: Platform | None = None) -> EngineSelection:
    """TensorFlow where a GPU is visible and usable, else OpenVINO where installed, else TensorFlow on the CPU.

    Args:
        settings: `engine`, `device` and `precision` count.
        files: paths in the version's folder; an engine needs its own kind of file.
        platform: what the machine offers; None: this machine.

    Raises:
        ConfigurationError: what was asked for cannot be had.
    """
    platform = platform or Platform()
    if settings.device == "gpu":
        selection = _asked_gpu(settings, platform)
    elif settings.device == "auto" and settings.engine != "openvino":
        selection = _gpu_where_usable(settings, files, platform)
    else:
        selection = _on_cpu(settings, files, platform)
    _require(selection.engine, files, platform)
    if settings.precision == "bfloat16" and selection.engine != "openvino":
        raise ConfigurationError(
            f"precision=bfloat16 needs the openvino engine on a CPU; here tensorflow was chosen: {selection.reason}"
        )
    return selection


def _asked_gpu(settings: Settings, platform: Platform) -> EngineSelection:
    """TensorFlow on the GPU, or an error that says what is missing."""
    if settings.engine == "openvino":
        raise ConfigurationError("device=gpu: the openvino engine computes on the CPU; set engine=tensorflow or auto")
    visible = platform.visible_gpus()
    if not visible:
        raise ConfigurationError("device=gpu: the NVIDIA driver shows no GPU to this process")
    if not platform.is_installed("tensorflow"):
        raise ConfigurationError(f"device=gpu: TensorFlow is not installed; {GET_TENSORFLOW}")
    if not platform.tensorflow_gpus():
        raise ConfigurationError(f"device=gpu: the driver shows {visible} GPU(s), but TensorFlow can use none of them")
    return EngineSelection("tensorflow", "gpu", "device=gpu is set")


def _gpu_where_usable(settings: Settings, files: Collection[str], platform: Platform) -> EngineSelection:
    """TensorFlow on the GPU if there is one that it can use, else the CPU."""
    visible = platform.visible_gpus()
    if not visible:
        return _on_cpu(settings, files, platform)
    if platform.is_installed("tensorflow") and platform.tensorflow_gpus():
        return EngineSelection("tensorflow", "gpu", f"the driver shows {visible} GPU(s)")
    on_cpu = _on_cpu(settings, files, platform)
    reason = f"the driver shows {visible} GPU(s), but TensorFlow can use none of them; {on_cpu.reason}"
    return EngineSelection(on_cpu.engine, on_cpu.device, reason, unused_gpus=visible)


def _on_cpu(settings: Settings, files: Collection[str], platform: Platform) -> EngineSelection:
    """The engine that was asked for, else the faster one of those that are there."""
    if settings.engine != "auto":
        return EngineSelection(settings.engine, "cpu", f"engine={settings.engine} is set")
    why = "device=cpu is set" if settings.device == "cpu" else "no GPU to use"
    if not platform.is_installed("openvino"):
        return EngineSelection("tensorflow", "cpu", f"{why}, OpenVINO is not installed")
    if OPENVINO_FILE not in files:
        return EngineSelection("tensorflow", "cpu", f"{why}, the version has no {OPENVINO_FILE}")
    return EngineSelection("openvino", "cpu", f"{why}, OpenVINO is installed")


def _require(engine: EngineName, files: Collection[str], platform: Platform) -> None:
    """Lets pass an engine that is installed and finds its file."""
    remedy = {"openvino": GET_OPENVINO, "tensorflow": GET_TENSORFLOW}[engine]
    file = {"openvino": OPENVINO_FILE, "tensorflow": KERAS_FILE}[engine]
    if not platform.is_installed(engine):
        raise ConfigurationError(f"the {engine} engine is not installed: {remedy}")
    if file not in files:
        raise ConfigurationError(f"the {engine} engine needs {file}, which this version does not have")
