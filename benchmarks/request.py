"""One request end to end: a JPEG of 500×375 to its mask, over HTTP, with the time of each stage."""

import io
import re
import statistics
import time
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from benchmarks.server import serving

TOTAL = "total, seen by the client"
UNCOUNTED = 5
"""First requests, which do first-time work."""
STAGE = re.compile(r"(\w+);dur=([\d.]+)")


def request_table(model_store: Path, model: str, requests: int) -> str:
    """Markdown table of the medians over requests sent one after another."""
    with serving(model_store, model) as served:
        times, name = stage_times(served.client, photograph(500, 375), requests)
    lines = [f"`{name}`", "", "| stage | median ms |", "|---|---|"]
    lines += [f"| {stage} | {milliseconds:.2f} |" for stage, milliseconds in times.items()]
    return "\n".join(lines)


def stage_times(client: httpx.Client, body: bytes, requests: int) -> tuple[dict[str, float], str]:
    """Medians in ms of each stage and of the whole, over requests sent one after another, and who answered."""
    times: dict[str, list[float]] = {}
    for number in range(-UNCOUNTED, requests):
        start = time.perf_counter()
        answer = client.post("/segment", content=body).raise_for_status()
        total = (time.perf_counter() - start) * 1e3
        stages = {name: float(value) for name, value in STAGE.findall(answer.headers["server-timing"])}
        for name, value in {**stages, TOTAL: total}.items() if number >= 0 else ():
            times.setdefault(name, []).append(value)
    return {name: statistics.median(values) for name, values in times.items()}, answer.headers["segserve-model"]


def photograph(width: int, height: int, kind: str = "JPEG") -> bytes:
    """A picture with a photograph's spectrum (noise over many scales)."""
    rng = np.random.default_rng(0)
    pixels = np.zeros((height, width, 3), np.float32)
    for side in (4, 12, 40, 130):
        noise = Image.fromarray(rng.integers(0, 255, (side, side, 3), np.uint8))
        pixels += np.asarray(noise.resize((width, height), Image.Resampling.BICUBIC), np.float32) / 4
    encoded = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(encoded, kind)
    return encoded.getvalue()
