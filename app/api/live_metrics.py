"""Prometheus metrics of what a service has in hand, read at each scrape: no second account that could be wrong."""

from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from app.api.metrics import MOST_CLASSES
from app.inference.loaded import LoadedModel
from app.inference.served import ServedModel
from app.store.scores import Histogram

if TYPE_CHECKING:
    from app.api.state import State


class LiveMetrics(Collector):
    """Places, pixels, queues and models.

    Args:
        state: of the service.
    """

    def __init__(self, state: "State") -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """All of them, as they are now."""
        state, admission, budget = self._state, self._state.admission, self._state.pool.budget
        yield _gauge("segserve_ready", "1 while pictures are taken, else 0.", state.phase == "ready")
        yield _gauge("segserve_places_taken", "Requests being read, queued or worked on.", admission.admitted)
        yield _gauge("segserve_places", "Most of them, the setting max_queue.", admission.limit)
        yield _gauge("segserve_pixels_taken", "Pixels of the pictures being worked on.", budget.taken)
        yield _gauge("segserve_pixels", "Most of them, the setting max_queue_pixels.", budget.limit)
        stuck = "Seconds since the engine finished a picture, while it has one; live turns 503 at watchdog_seconds."
        yield _gauge("segserve_engine_stuck_seconds", stuck, state.pool.stuck_seconds())
        failures = "Versions that could not be loaded; GET /models says why."
        yield _gauge("segserve_failed_versions", failures, len(state.pool.failures))
        yield from _of_models(state.pool.models, state.pool.default)


def _of_models(models: list[ServedModel], default: ServedModel | None) -> Iterator[Metric]:
    waiting = GaugeMetricFamily("segserve_queue_pictures", "Pictures that wait for the engine.", labels=["model"])
    working = GaugeMetricFamily("segserve_engine_pictures", "Pictures in the engine.", labels=["model"])
    seconds = GaugeMetricFamily(
        "segserve_model_load_seconds", "Time it took to verify, load and warm the model.", labels=["model"]
    )
    info = InfoMetricFamily("segserve_model", "The models in memory; the default one answers where none is named.")
    unused = GaugeMetricFamily(
        "segserve_unused_gpus", "GPUs that the driver shows but that are not computed with.", labels=["model"]
    )
    reference = GaugeMetricFamily(
        "segserve_reference",
        "Part of the model's own data at or below le, of brightness, confidence or a class's share.",
        labels=["model", "of", "class", "le"],
    )
    for served in models:
        model, scheduler = served.model, served.segmenter.scheduler
        name = str(model.version)
        waiting.add_metric([name], scheduler.waiting)
        working.add_metric([name], scheduler.working)
        seconds.add_metric([name], served.load_seconds)
        info.add_metric([], _facts(model) | {"default": "true" if served is default else "false"})
        unused.add_metric([name], model.selection.unused_gpus)
        for of, label, histogram in _references(model):
            for edge, share in _cumulative(histogram):
                reference.add_metric([name, of, label, str(edge)], share)
    yield from (waiting, working, seconds, info, unused, reference)


def _facts(model: LoadedModel) -> dict[str, str]:
    identity, engine = model.identity, model.engine
    return {
        "model": str(model.version),
        "name": identity.name,
        "version": str(identity.version),
        "sha256": identity.sha256,
        "engine": identity.engine,
        "precision": identity.precision,
        "device": engine.device,
        "threads": str(engine.threads),
        "streams": str(engine.streams),
    }


def _references(model: LoadedModel) -> Iterator[tuple[str, str, Histogram]]:
    """What of, which class (empty: none), and the distribution."""
    reference = model.manifest.reference
    yield "brightness", "", reference.brightness
    yield "confidence", "", reference.confidence
    if len(model.labels) <= MOST_CLASSES:
        for name, histogram in reference.class_share.items():
            yield "class_share", name, histogram


def _cumulative(histogram: Histogram) -> Iterator[tuple[float, float]]:
    """Upper edge of each bin, and the part of all values below it, 0–1."""
    total = max(1, sum(histogram.counts))
    for edge, below in zip(histogram.edges[1:], accumulate(histogram.counts), strict=True):
        yield edge, below / total


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, value=float(value))
