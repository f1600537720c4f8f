"""FastAPI and a traced graph, in one or more worker processes."""

import os
import sys

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool

from benchmarks.baselines.picture import mask_png, opened

MODEL, PORT, WORKERS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def create_app() -> FastAPI:
    """One of the workers."""
    import keras
    import tensorflow as tf

    threads = max(1, len(os.sched_getaffinity(0)) // WORKERS)
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    model = keras.saving.load_model(MODEL, compile=False)
    side = model.input_shape[1]
    graph = tf.function(lambda images: model(images, training=False), reduce_retracing=True)
    graph(tf.zeros((1, side, side, 3)))
    app = FastAPI()

    def segmented(data: bytes) -> bytes:
        image, size = opened(data, side)
        return mask_png(graph(tf.constant(image[None])).numpy()[0], size)

    @app.post("/segment")
    async def segment(request: Request) -> Response:
        return Response(await run_in_threadpool(segmented, await request.body()), media_type="image/png")

    return app


if __name__ == "__main__":
    uvicorn.run(f"{__spec__.name}:create_app", factory=True, port=PORT, workers=WORKERS, log_level="error")
