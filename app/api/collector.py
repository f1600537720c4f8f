"""Where spans are sent: to the collector that the standard environment variables of OpenTelemetry name, if any."""

import logging
import os
import time
from urllib.parse import urlsplit

from app import __version__
from app.api.tracing import Tracing
from app.core.errors import ConfigurationError

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
PROTOCOL = "http/protobuf"
LOGGERS = ("opentelemetry.exporter.otlp.proto.http.trace_exporter", "opentelemetry.sdk._shared_internal")
"""What complains when spans cannot be sent."""


class Seldom(logging.Filter):
    """Lets one record through in so many seconds: a collector that is gone must not fill the log.

    Args:
        seconds: from one record to the next.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this one is let through."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True


COMPLAINTS = Seldom(60.0)


def tracing_from_environment() -> Tracing:
    """Traces as the environment wants them: without an endpoint nothing is recorded.

    Raises:
        ConfigurationError: the variables contradict themselves, or what is needed is not installed.
    """
    endpoint = _endpoint()
    if endpoint is None:
        return Tracing()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        from app.api.spans import SpanTracing
    except ImportError as error:
        raise ConfigurationError(
            f"{ENDPOINT} is set, but what sends traces is not installed: pip install 'segserve[traces]'"
        ) from error
    told = OTELResourceDetector().detect().attributes
    resource = Resource.create({"service.name": "segserve", "service.version": __version__, **told})
    try:
        processor = BatchSpanProcessor(OTLPSpanExporter(endpoint))
    except ValueError as error:
        raise ConfigurationError(f"one of the variables OTEL_* is wrong: {error}") from error
    for name in LOGGERS:
        logging.getLogger(name).addFilter(COMPLAINTS)
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return SpanTracing(provider)


def _endpoint() -> str | None:
    """Where to send spans; None: nowhere."""
    off = _variable("OTEL_SDK_DISABLED").lower() == "true" or _variable("OTEL_TRACES_EXPORTER") == "none"
    base, endpoint = _variable(ENDPOINT), _variable(TRACES_ENDPOINT)
    if off or not (base or endpoint):
        return None
    exporter = _variable("OTEL_TRACES_EXPORTER") or "otlp"
    protocol = _variable("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or _variable("OTEL_EXPORTER_OTLP_PROTOCOL") or PROTOCOL
    if (exporter, protocol) != ("otlp", PROTOCOL):
        raise ConfigurationError(f"traces are sent with otlp over {PROTOCOL} only, not with {exporter} over {protocol}")
    endpoint = endpoint or f"{base.rstrip('/')}/v1/traces"
    url = urlsplit(endpoint)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ConfigurationError(f"{ENDPOINT} is no URL of a collector, such as http://localhost:4318")
    return endpoint


def _variable(name: str) -> str:
    """An empty variable is as good as none: so the specification of OpenTelemetry has it."""
    return os.environ.get(name, "").strip()
