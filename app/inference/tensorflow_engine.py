"""The TensorFlow engine: the rewritten network as one traced function for each batch size, on a GPU or the CPU."""

from pathlib import Path
from typing import Any

import numpy as np

from app.core import garbage
from app.core.errors import ConfigurationError
from app.core.settings import Precision
from app.inference.engine import DeviceName, EngineName, Images, Probabilities
from app.inference.tensorflow_runtime import import_tensorflow, set_up_tensorflow
from app.nn.config import UNetXceptionConfig

BATCH_SIZES: dict[DeviceName, tuple[int, ...]] = {"cpu": (1,), "gpu": (1, 2, 4, 8, 16)}
"""What the engine is traced for, ascending from 1; on a CPU batches gain nothing."""


class TensorFlowEngine:
    """A version's Keras file, rewritten for inference.

    Args:
        model: path of `model.keras`; only Keras' own layers are loaded from it, no code.
        config: the network that it holds.
        device: what to compute on.
        threads: CPUs to use, all streams together.
        streams: calls side by side; 0: one for each thread on the CPU, one on a GPU.

    Raises:
        ConfigurationError: TensorFlow is not installed.
    """

    name: EngineName = "tensorflow"
    precision: Precision = "float32"

    def __init__(
        self, model: Path, config: UNetXceptionConfig, device: DeviceName, threads: int, streams: int = 0
    ) -> None:
        self.device: DeviceName = device
        self.batch_sizes: tuple[int, ...] = BATCH_SIZES[device]
        self.streams: int = streams or (1 if device == "gpu" else threads)
        self.calls: int = self.streams
        self.threads: int = set_up_tensorflow(device, threads, self.streams)
        self._function = _rewritten(model, config)
        self._traced = {size: _trace(self._function, size, config) for size in self.batch_sizes}

    def infer(self, images: Images) -> Probabilities:
        """(N, h, w, 3) uint8 or float32, RGB 0–255 → (N, h, w, C) float32.

        Computed in batches of the largest size; the rest in the smallest that holds it, filled up with black pictures.
        """
        largest = self.batch_sizes[-1]
        batches = [self._infer_batch(images[start : start + largest]) for start in range(0, len(images), largest)]
        return batches[0] if len(batches) == 1 else np.concatenate(batches)

    def _infer_batch(self, images: Images) -> Probabilities:
        """N pictures, no more than the largest batch size."""
        batch_size = next(size for size in self.batch_sizes if size >= len(images))
        filled = np.zeros((batch_size, *images.shape[1:]), np.float32)
        filled[: len(images)] = images
        probabilities: Probabilities = self._traced[batch_size](filled).numpy()
        return probabilities[: len(images)]

    def close(self) -> None:
        """Frees the network, with all other garbage: Keras' networks lie in cycles, which Python may leave for long."""
        del self._traced, self._function
        garbage.collect()


def _rewritten(path: Path, config: UNetXceptionConfig) -> Any:
    """The inference graph as a function, not traced yet; it keeps the weights of all that are traced from it."""
    tensorflow = import_tensorflow()
    import keras

    from app.nn.rewrite import inference_graph

    if keras.backend.backend() != "tensorflow":
        raise ConfigurationError(f"Keras computes with {keras.backend.backend()} here; unset KERAS_BACKEND")
    graph = inference_graph(keras.saving.load_model(path, compile=False, safe_mode=True), config)
    return tensorflow.function(lambda image: graph(image, training=False))


def _trace(function: Any, batch_size: int, config: UNetXceptionConfig) -> Any:
    """The function for so many pictures and nothing else: it refuses other shapes and never traces again.

    Without XLA (`jit_compile`): whether it helps has not been measured on a GPU.
    """
    tensorflow = import_tensorflow()
    images = tensorflow.TensorSpec((batch_size, *config.input_size, 3), tensorflow.float32, name="image")
    return function.get_concrete_function(images)
