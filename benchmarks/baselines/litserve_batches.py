"""LitServe with dynamic batching and a traced graph."""

import sys

import litserve
import numpy as np
from fastapi import Request, Response

from benchmarks.baselines.picture import Array, mask_png, opened


class Segmentation(litserve.LitAPI):  # type: ignore[misc]  # LitServe ships no complete types
    """Pictures to masks."""

    def setup(self, device: str) -> None:
        """Loads the model in a worker."""
        import keras
        import tensorflow as tf

        model = keras.saving.load_model(sys.argv[1], compile=False)
        self._side = model.input_shape[1]
        self._graph = tf.function(lambda images: model(images, training=False), reduce_retracing=True)
        self._graph(tf.zeros((1, self._side, self._side, 3)))

    def decode_request(self, request: Request) -> tuple[Array, tuple[int, int]]:
        """From a form."""
        return opened(request["file"].file.read(), self._side)

    def batch(self, inputs: list[tuple[Array, tuple[int, int]]]) -> tuple[Array, list[tuple[int, int]]]:
        """Several pictures as one array."""
        return np.stack([image for image, _ in inputs]), [size for _, size in inputs]

    def predict(self, x: tuple[Array, list[tuple[int, int]]]) -> list[tuple[Array, tuple[int, int]]]:
        """Probabilities of a batch."""
        images, sizes = x
        return list(zip(self._graph(images).numpy(), sizes, strict=True))

    def unbatch(self, output: list[tuple[Array, tuple[int, int]]]) -> list[tuple[Array, tuple[int, int]]]:
        """One by one again."""
        return output

    def encode_response(self, output: tuple[Array, tuple[int, int]]) -> Response:
        """A mask."""
        return Response(mask_png(*output), media_type="image/png")


if __name__ == "__main__":
    api = Segmentation(max_batch_size=8, batch_timeout=0.005, api_path="/segment")
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=int(sys.argv[3]), timeout=120)
    server.run(port=int(sys.argv[2]), log_level="error", generate_client_file=False, num_api_servers=1)
