"""FastAPI and `model.predict`, as in most tutorials."""

import sys

import keras
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool

from benchmarks.baselines.picture import mask_png, opened

model = keras.saving.load_model(sys.argv[1], compile=False)
SIDE = model.input_shape[1]
app = FastAPI()


def segmented(data: bytes) -> bytes:
    """Picture to mask."""
    image, size = opened(data, SIDE)
    return mask_png(model.predict(image[None], verbose=0)[0], size)


@app.post("/segment")
async def segment(request: Request) -> Response:
    """A picture to its mask."""
    return Response(await run_in_threadpool(segmented, await request.body()), media_type="image/png")


uvicorn.run(app, port=int(sys.argv[2]), log_level="error")
