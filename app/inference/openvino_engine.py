"""The OpenVINO engine: parallel single pictures on the CPU."""

from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from app.core.errors import ConfigurationError
from app.core.settings import Precision
from app.inference.engine import DeviceName, EngineName, Images, Probabilities
from app.inference.openvino_runtime import import_openvino, openvino_core, require_precision


class OpenVinoEngine:
    """A version's OpenVINO files, compiled for one picture at a time in each of several streams.

    Args:
        model: path of `model.xml`.
        size: (h, w) of the network's input.
        precision: arithmetic to compute with.
        threads: CPUs to use, all streams together.
        streams: pictures side by side; 0: one for each thread, which gives the highest throughput.

    Raises:
        ConfigurationError: the precision cannot be had here, or compiling gave another one.
        ValueError: no thread to compute on.
    """

    name: EngineName = "openvino"
    device: DeviceName = "cpu"
    batch_sizes: tuple[int, ...] = (1,)

    def __init__(
        self, model: Path, size: tuple[int, int], precision: Precision, threads: int, streams: int = 0
    ) -> None:
        if threads < 1:
            raise ValueError(f"threads {threads}: at least one is needed")
        require_precision(precision)
        openvino = import_openvino()
        core = openvino_core()
        network = core.read_model(model)
        network.reshape([1, *size, 3])
        asked = getattr(openvino.Type, {"float32": "f32", "bfloat16": "bf16"}[precision])
        compiled = core.compile_model(network, "CPU", _configuration(asked, threads, streams or threads))
        used = compiled.get_property("INFERENCE_PRECISION_HINT")
        if used != asked:
            raise ConfigurationError(f"precision={precision} was asked for, but OpenVINO computes with {used}")
        self.precision: Precision = precision
        self.threads: int = compiled.get_property("INFERENCE_NUM_THREADS")
        self.streams: int = compiled.get_property("NUM_STREAMS")
        self.calls: int = 2 * self.streams
        self._requests: SimpleQueue[Any] = SimpleQueue()  # one for each call; a request serves one thread at a time
        for _ in range(self.calls):
            self._requests.put(compiled.create_infer_request())

    def infer(self, images: Images) -> Probabilities:
        """(N, h, w, 3) uint8 or float32, RGB 0–255 → (N, h, w, C) float32.

        Raises:
            ValueError: pictures of another size than the network's.
        """
        return np.stack([self._infer_one(image[None]) for image in images])

    def _infer_one(self, image: Images) -> Probabilities:
        request = self._requests.get()
        try:
            seen = request.get_input_tensor().data
            if image.shape != seen.shape:  # NumPy would repeat a single row, column or pixel
                raise ValueError(f"a picture of {image.shape} for a network that sees {seen.shape}")
            seen[:] = image
            request.start_async()  # `infer` would compute a single stream's pictures in this thread
            request.wait()
            probabilities: Probabilities = request.get_output_tensor().data[0].copy()
            return probabilities
        finally:
            self._requests.put(request)

    def close(self) -> None:
        """Frees the network."""
        for _ in range(self.calls):
            self._requests.get()


def _configuration(precision: Any, threads: int, streams: int) -> dict[str, Any]:
    """Properties for compiling; what is left out, OpenVINO would choose by the machine.

    Threads are not pinned: OpenVINO pins to the first allowed cores, and two replicas on one host would share them
    (measured: 36 pictures/s together instead of 62 on two cores).
    """
    return {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": streams,
        "ENABLE_CPU_PINNING": False,
    }
