"""What an inference engine is."""

import logging
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from app.core.errors import InferenceError
from app.core.settings import Precision

logger = logging.getLogger(__name__)

EngineName = Literal["openvino", "tensorflow"]
DeviceName = Literal["cpu", "gpu"]
Images = NDArray[np.uint8] | NDArray[np.float32]
Probabilities = NDArray[np.float32]

KERAS_FILE = "model.keras"
"""In a version's folder: what the TensorFlow engine loads."""
OPENVINO_FILE = "openvino/model.xml"
"""In a version's folder: what the OpenVINO engine loads, with the weights in `model.bin` beside it."""


class Engine(Protocol):
    """A network that is loaded and ready to compute.

    Args:
        name: which engine it is.
        device: what it computes on.
        precision: arithmetic that it really uses, read back after compiling.
        threads: threads that it computes with, all streams together.
        streams: calls that it works on side by side.
        calls: calls to make at a time, at least as many. Where they are more, it takes them first come, first served,
            and the next one is ready inside it when a stream is free: no stream waits for the interpreter's lock.
        batch_sizes: numbers of pictures that one call computes with, ascending from 1; (1,) where batches gain nothing.
            Any number may be given to `infer`; the first call with each of these is slow.
    """

    name: EngineName
    device: DeviceName
    precision: Precision
    threads: int
    streams: int
    calls: int
    batch_sizes: tuple[int, ...]

    def infer(self, images: Images) -> Probabilities:
        """Computes class probabilities; safe to call from several threads.

        Args:
            images: (N, h, w, 3), uint8 or float32, RGB, 0–255, at the model's size; N ≥ 1.

        Returns:
            (N, h, w, C) float32, softmax over C; the caller owns it.
        """
        ...

    def close(self) -> None:
        """Frees what the engine holds; no call may follow."""
        ...


def infer_picture(engine: Engine, image: Images) -> Probabilities:
    """Class probabilities of one picture, checked.

    Args:
        image: (h, w, 3), uint8 or float32, RGB, 0–255, at the model's size.

    Returns:
        (h, w, C) float32.

    Raises:
        InferenceError: as `infer_batch`.
    """
    probabilities: Probabilities = infer_batch(engine, image[None])[0]
    return probabilities


def infer_batch(engine: Engine, images: Images) -> Probabilities:
    """Class probabilities of pictures that succeed or fail together, checked.

    Args:
        images: (N, h, w, 3), uint8 or float32, RGB, 0–255, at the model's size; N ≥ 1.

    Returns:
        (N, h, w, C) float32.

    Raises:
        InferenceError: the engine failed (its own words go to the log only) or gave numbers that are not finite.
    """
    which = "this picture" if len(images) == 1 else f"these {len(images)} pictures"
    try:
        probabilities = engine.infer(images)
    except Exception as error:
        logger.exception("the %s engine failed on a batch of %d", engine.name, len(images))
        raise InferenceError(f"the engine failed on {which}") from error
    if not np.isfinite(probabilities).all():
        raise InferenceError(f"the network gave values that are not finite for {which}")
    return probabilities
