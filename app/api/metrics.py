"""Prometheus metrics of one application; a registry of its own, labels from closed sets only."""

from dataclasses import asdict

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from app.inference.loaded import LoadedModel
from app.inference.segmenter import Timings

STAGE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.25, 2.5, 5.0, 10.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED = "unmatched"
"""Label of the route where no route matched: paths come from clients and have no bound."""


class Metrics:
    """What is counted and measured."""

    def __init__(self) -> None:
        # else every series has a second one, with the time of its creation, which nobody asks for
        disable_created_metrics()  # type: ignore[no-untyped-call]  # not annotated there
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "segserve_requests", "Requests answered.", ["route", "method", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "segserve_request_seconds",
            "Time from the headers of a request to its answer.",
            ["route"],
            buckets=STAGE_BUCKETS,
            registry=self.registry,
        )
        self._stages = Histogram(
            "segserve_stage_seconds",
            "Time that each stage of a segmentation took.",
            ["stage"],
            buckets=STAGE_BUCKETS,
            registry=self.registry,
        )
        self.in_flight = Gauge("segserve_requests_in_flight", "Requests without their answer.", registry=self.registry)
        self._ready = Gauge("segserve_ready", "1 while pictures are taken, else 0.", registry=self.registry)
        self._model = Info("segserve_model", "The loaded model.", registry=self.registry)
        self._device = Info("segserve_device", "What the model computes on.", registry=self.registry)
        self._unused_gpus = Gauge(
            "segserve_unused_gpus", "GPUs that the driver shows but that are not computed with.", registry=self.registry
        )
        for stage in Timings.__dataclass_fields__:
            self._stages.labels(stage)

    def answered(self, route: str | None, method: str, status: int, seconds: float) -> None:
        """Counts an answered request.

        Args:
            route: template of its path; None: no route matched.
            method: as sent; an unknown one counts as `other`.
            status: of the answer.
            seconds: time until then.
        """
        name = UNMATCHED if route is None else route
        self._requests.labels(name, method if method in METHODS else "other", str(status)).inc()
        self._seconds.labels(name).observe(seconds)

    def segmented(self, timings: Timings) -> None:
        """Counts the stages of a picture."""
        for stage, milliseconds in asdict(timings).items():
            self._stages.labels(stage).observe(milliseconds / 1000)

    def loaded(self, model: LoadedModel) -> None:
        """Notes which model there is."""
        engine = model.engine
        self._model.info({name: str(value) for name, value in asdict(model.identity).items()})
        self._device.info(
            {
                "engine": engine.name,
                "device": engine.device,
                "precision": engine.precision,
                "threads": str(engine.threads),
                "streams": str(engine.streams),
            }
        )
        self._unused_gpus.set(model.selection.unused_gpus)

    def ready(self, ready: bool) -> None:
        """Notes whether pictures are taken."""
        self._ready.set(ready)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """The metrics as text, and its media type, in the newest format that the Accept header admits."""
        encode, media_type = choose_encoder(accept)
        return encode(self.registry), media_type
