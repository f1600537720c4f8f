"""The least that FastAPI does for such a request: reads the body, answers as many bytes as a mask has. Given a port."""

import sys

import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import Response

ANSWER = bytes(2500)

app = FastAPI()


@app.post("/segment")
async def segment(request: Request) -> Response:
    """Looks at nothing."""
    await request.body()
    return Response(ANSWER, media_type="image/png")


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), http="h11", loop="asyncio", log_level="error")
