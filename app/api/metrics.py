"""Prometheus metrics of one application, as they happen; a registry of its own, labels from closed sets only.

What the service has in hand is read when it is asked for: `app.api.live_metrics`.
"""

from collections.abc import Iterable
from dataclasses import asdict

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import choose_encoder

from app.core.labels import LabelMap
from app.inference.segmenter import SegmentAnswer, Timings

STAGE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.25, 2.5, 5.0, 10.0)
SHARE_BUCKETS = tuple(round(edge * 0.05, 2) for edge in range(1, 21))
"""Upper edges of the bins that the reference distributions of manifests have, 0–1."""
MOST_CLASSES = 32
"""Classes of a model up to which each has a histogram of its share: 22 series each, at every scrape."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED = "unmatched"
"""Label of the route where no route matched: paths come from clients and have no bound."""


class Metrics:
    """What is counted and measured."""

    def __init__(self) -> None:
        # else every series has a second one, with the time of its creation, which nobody asks for
        disable_created_metrics()  # type: ignore[no-untyped-call]  # not annotated there
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "segserve_requests",
            "Requests answered; model: the one that answered, empty where none did.",
            ["route", "method", "status", "model"],
            registry=registry,
        )
        self._problems = Counter(
            "segserve_problems",
            "Problems answered, also to single pictures of many.",
            ["code"],
            registry=registry,
        )
        self._keys = Counter(
            "segserve_key_requests", "Requests with a known API key.", ["key", "status"], registry=registry
        )
        self._seconds = Histogram(
            "segserve_request_seconds",
            "Time from the headers of a request to its answer.",
            ["route"],
            buckets=STAGE_BUCKETS,
            registry=registry,
        )
        self._stages = Histogram(
            "segserve_stage_seconds",
            "Time that each stage of a segmentation took.",
            ["stage"],
            buckets=STAGE_BUCKETS,
            registry=registry,
        )
        self.in_flight = Gauge("segserve_requests_in_flight", "Requests without their answer.", registry=registry)
        self._pictures = Counter("segserve_pictures", "Pictures segmented.", ["model", "output"], registry=registry)
        self._brightness = Histogram(
            "segserve_picture_brightness",
            "Mean grey value of a picture, 0-1.",
            ["model"],
            buckets=SHARE_BUCKETS,
            registry=registry,
        )
        self._confidence = Histogram(
            "segserve_picture_confidence",
            "Mean winning probability of a picture, 0-1.",
            ["model"],
            buckets=SHARE_BUCKETS,
            registry=registry,
        )
        self._class_share = Histogram(
            "segserve_picture_class_share",
            f"Share of a picture's pixels that a class has, 0-1; of models with at most {MOST_CLASSES} classes.",
            ["model", "class"],
            buckets=SHARE_BUCKETS,
            registry=registry,
        )
        for stage in Timings.__dataclass_fields__:
            self._stages.labels(stage)

    def answered(self, route: str | None, method: str, status: int, model: str, seconds: float) -> None:
        """Counts an answered request.

        Args:
            route: template of its path; None: no route matched.
            method: as sent; an unknown one counts as `other`.
            status: of the answer.
            model: that answered, `pets/3`; empty where none did.
            seconds: time until then.
        """
        name = UNMATCHED if route is None else route
        self._requests.labels(name, method if method in METHODS else "other", str(status), model).inc()
        self._seconds.labels(name).observe(seconds)

    def keyed(self, key: str, status: int) -> None:
        """Counts an answer to whoever has the API key of that name."""
        self._keys.labels(key, str(status)).inc()

    def problems(self, codes: Iterable[str]) -> None:
        """Counts problems that were answered, by their codes."""
        for code in codes:
            self._problems.labels(code).inc()

    def segmented(self, answer: SegmentAnswer, labels: LabelMap) -> None:
        """Counts a picture that was segmented, with its stages and what was seen of it.

        Args:
            answer: what it got.
            labels: of the model that made it.
        """
        for stage, milliseconds in asdict(answer.timings).items():
            self._stages.labels(stage).observe(milliseconds / 1000)
        model, seen = str(answer.model), answer.observation
        self._pictures.labels(model, answer.output).inc()
        self._brightness.labels(model).observe(seen.brightness)
        self._confidence.labels(model).observe(seen.confidence)
        if len(labels) <= MOST_CLASSES:
            for label in labels:
                self._class_share.labels(model, label.name).observe(seen.shares[label.id])

    def fetched(self, seconds: float) -> None:
        """Counts a picture that was fetched, or was to be."""
        self._stages.labels("fetch").observe(seconds)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """The metrics as text, and its media type, in the newest format that the Accept header admits."""
        encode, media_type = choose_encoder(accept)
        return encode(self.registry), media_type
