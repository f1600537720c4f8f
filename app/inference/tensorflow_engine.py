"""The TensorFlow engine: the rewritten network as one traced function, on a GPU or the CPU."""

from pathlib import Path
from typing import Any

import numpy as np

from app.core.errors import ConfigurationError
from app.core.settings import Precision
from app.inference.engine import DeviceName, EngineName, Images, Probabilities
from app.inference.tensorflow_runtime import import_tensorflow, set_up_tensorflow
from app.nn.config import UNetXceptionConfig


class TensorFlowEngine:
    """A version's Keras file, rewritten for inference.

    Args:
        model: path of `model.keras`; only Keras' own layers are loaded from it, no code.
        config: the network that it holds.
        device: what to compute on.
        threads: CPUs to use, all streams together.
        streams: pictures side by side; 0: one for each thread on the CPU, one on a GPU.

    Raises:
        ConfigurationError: TensorFlow is not installed.
    """

    name: EngineName = "tensorflow"
    precision: Precision = "float32"
    batch_sizes: tuple[int, ...] = (1,)

    def __init__(
        self, model: Path, config: UNetXceptionConfig, device: DeviceName, threads: int, streams: int = 0
    ) -> None:
        self.device: DeviceName = device
        self.streams: int = streams or (1 if device == "gpu" else threads)
        self.threads: int = set_up_tensorflow(device, threads, self.streams)
        self._infer = _traced(model, config)

    def infer(self, images: Images) -> Probabilities:
        """(N, h, w, 3) uint8 or float32, RGB 0–255 → (N, h, w, C) float32."""
        probabilities: Probabilities = self._infer(images.astype(np.float32)).numpy()
        return probabilities

    def close(self) -> None:
        """Frees the network."""
        del self._infer


def _traced(path: Path, config: UNetXceptionConfig) -> Any:
    """The inference graph as a function with one fixed signature: no shape of a picture makes it trace again."""
    tensorflow = import_tensorflow()
    import keras

    from app.nn.rewrite import inference_graph

    if keras.backend.backend() != "tensorflow":
        raise ConfigurationError(f"Keras computes with {keras.backend.backend()} here; unset KERAS_BACKEND")
    graph = inference_graph(keras.saving.load_model(path, compile=False, safe_mode=True), config)
    images = tensorflow.TensorSpec((None, *config.input_size, 3), tensorflow.float32, name="image")
    return tensorflow.function(lambda image: graph(image, training=False), input_signature=[images])
