"""Without a server: the engine alone, and decode, engine and encode as the service calls them, both cores busy.

Arguments: model store, reference, file with a picture, `engine` or `pipeline`, threads at a time, seconds. Prints JSON.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from app.core.settings import load_settings
from app.imaging.decode import DecodeLimits, decode
from app.imaging.geometry import resize_image
from app.imaging.probabilities import ResizedProbabilities
from app.inference.answers import SegmentOptions
from app.inference.encoding import encode_answer
from app.inference.engine import infer_picture
from app.inference.loaded import load_model
from app.inference.segmenter import DETAIL
from app.store.repository import ModelStore


def main(store: str, reference: str, file: str, what: str, threads: int, seconds: float) -> None:
    """Measures."""
    model = load_model(ModelStore(Path(store)), reference, load_settings(model_store=store))
    data, options, view = Path(file).read_bytes(), SegmentOptions(), model.view()
    limits = DecodeLimits(len(data), 2**28)
    least = (DETAIL * view.size[0], DETAIL * view.size[1])
    picture = decode(data, limits, lambda size: least)
    seen = resize_image(picture.image, view.geometry(picture.size))

    def pipeline() -> None:
        found = decode(data, limits, lambda size: least)
        geometry = view.geometry(found.size)
        probabilities = infer_picture(model.engine, resize_image(found.image, geometry))
        encode_answer(options, ResizedProbabilities(probabilities, geometry), model.labels, model.identity, None)

    work = pipeline if what == "pipeline" else lambda: infer_picture(model.engine, seen)
    started, spent = time.perf_counter(), time.process_time()

    def loop(_: int) -> list[float]:
        times = []
        while time.perf_counter() < started + seconds:
            begun = time.perf_counter()
            work()
            times.append(time.perf_counter() - begun)
        return times

    with ThreadPoolExecutor(threads) as pool:
        times = [each for one in pool.map(loop, range(threads)) for each in one]
    found = {"seconds": time.perf_counter() - started, "processor_seconds": time.process_time() - spent}
    click.echo(json.dumps({**found, "statuses": {"200": len(times)}, "times": times}))


if __name__ == "__main__":
    store, reference, file, what = sys.argv[1:5]
    main(store, reference, file, what, int(sys.argv[5]), float(sys.argv[6]))
