"""An engine whose answers a test writes: for failures and waits that no real engine has when asked."""

from collections.abc import Callable

import numpy as np

from app.core.settings import Precision
from app.inference.engine import DeviceName, EngineName, Images, Probabilities


class ScriptedEngine:
    """Calls `answer` in place of a network.

    Args:
        answer: (1, h, w, 3) → (1, h, w, C); may wait or raise.
        streams: calls side by side.
        calls: calls at a time; 0: as many.
    """

    name: EngineName = "openvino"
    device: DeviceName = "cpu"
    precision: Precision = "float32"
    batch_sizes: tuple[int, ...] = (1,)

    def __init__(self, answer: Callable[[Images], Probabilities], streams: int = 1, calls: int = 0) -> None:
        self.streams = self.threads = streams
        self.calls = calls or streams
        self.closed = False
        self._answer = answer

    def infer(self, images: Images) -> Probabilities:
        return self._answer(images)

    def close(self) -> None:
        self.closed = True


def brightness(images: Images) -> Probabilities:
    """(1, h, w, 2): the first pixel's red channel / 255, and the rest to 1."""
    share = np.float32(images[0, 0, 0, 0]) / np.float32(255)
    return np.broadcast_to(np.array([share, 1 - share], np.float32), (1, *images.shape[1:3], 2)).copy()


def shade(red: int) -> Images:
    """A (4, 6, 3) picture that `brightness` knows again."""
    return np.full((4, 6, 3), red, np.uint8)
