"""Spans of OpenTelemetry for requests, pictures and stages; imported only where there is a collector.

Names and attributes are those of the semantic conventions for HTTP servers, less all that comes from clients: no paths,
queries, addresses or agents. What they do not know begins with `segserve.`.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, format_span_id, format_trace_id, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.types import Scope

from app import __version__
from app.api.access import AccessRecord
from app.api.metrics import METHODS
from app.api.tracing import Trace, Tracing, accepted_traceparent
from app.core.errors import SegserveError
from app.inference.segmenter import SegmentAnswer
from app.inference.stages import Stage

logger = logging.getLogger(__name__)

CLOSE_SECONDS = 2.0
"""Longest wait at the end for a collector to take what it has not been sent yet."""
TRACERESPONSE = "traceresponse"
"""Header of an answer in the form of `traceparent`, as W3C Trace Context Level 2 drafts it."""

_propagator = TraceContextTextMapPropagator()


class SpanTrace(Trace):
    """A span and the stages below it.

    Stages are made into spans after they have ended, from times that were measured anyway: whichever thread or task
    reports one, there is no current span that it could find wrong.

    Args:
        tracer: makes spans.
        span: of the request, or of one of its pictures.
        epoch_ns: time of day, in nanoseconds since 1970, at which `time.perf_counter` was 0.
    """

    def __init__(self, tracer: Tracer, span: Span, epoch_ns: int) -> None:
        context = span.get_span_context()
        super().__init__({"trace_id": format_trace_id(context.trace_id), "span_id": format_span_id(context.span_id)})
        self._tracer = tracer
        self._span = span
        self._epoch_ns = epoch_ns
        self._inside = set_span_in_context(span, Context())

    @property
    def headers(self) -> dict[str, str]:
        """`traceresponse`."""
        flags = self._span.get_span_context().trace_flags
        return {TRACERESPONSE: f"00-{self.ids['trace_id']}-{self.ids['span_id']}-{flags:02x}"}

    def report(self, stage: Stage) -> None:
        """Makes a span of a stage that has ended."""
        span = self._tracer.start_span(stage.name, self._inside, start_time=self._at(stage.begun))
        if stage.error is not None:
            _fail(span, stage.error)
        span.end(self._at(stage.ended))

    @contextmanager
    def picture(self) -> Iterator[Trace]:
        """A span of one of several pictures."""
        span = self._tracer.start_span("picture", self._inside, start_time=self._at(time.perf_counter()))
        try:
            yield SpanTrace(self._tracer, span, self._epoch_ns)
        except BaseException as error:
            _fail(span, error)
            raise
        finally:
            span.end(self._at(time.perf_counter()))

    def answered(self, answer: SegmentAnswer) -> None:
        """Says what was answered, of how large a picture, by which model."""
        height, width = answer.size
        self._span.set_attributes(
            {
                "segserve.model.name": answer.model.name,
                "segserve.model.version": str(answer.model.version),
                "segserve.output": answer.output,
                "segserve.picture.height": height,
                "segserve.picture.width": width,
            }
        )

    def fail(self, error: BaseException) -> None:
        """Says what cut the request off."""
        _fail(self._span, error)

    def end(self, record: AccessRecord) -> None:
        """Completes the span of a request; a probe's is dropped, as its line in the log is."""
        if record.quiet:
            return  # what never ends is never sent
        span = self._span
        if record.route is not None:
            span.update_name(f"{_name(record.method)} {record.route}")
            span.set_attribute("http.route", record.route)
        span.set_attribute("http.response.status_code", record.status)
        span.set_attribute("http.response.body.size", record.bytes_sent)
        if record.pictures is not None:
            span.set_attribute("segserve.pictures", record.pictures)
        if record.problems and record.status >= 400:  # else it's one of several pictures' that has a problem
            span.set_attribute("error.type", record.problems[0])
        if record.status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end(self._at(time.perf_counter()))

    def _at(self, seconds: float) -> int:
        """Time of day of a time of `time.perf_counter`."""
        return self._epoch_ns + round(seconds * 1e9)


class SpanTracing(Tracing):
    """Records the traces of a service's requests.

    Args:
        provider: takes the spans; it is closed with this.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("segserve", __version__)

    def begin(self, scope: Scope, record: AccessRecord) -> Trace:
        """A span of a request; it goes on with the trace of the caller, if there is one."""
        span = self._tracer.start_span(
            _name(record.method),
            _callers(Headers(scope=scope)),
            SpanKind.SERVER,
            {
                "http.request.method": record.method if record.method in METHODS else "_OTHER",
                "url.scheme": scope.get("scheme", "http"),
                "network.protocol.version": scope["http_version"],
                "segserve.request_id": record.request_id,
            },
        )
        begun_ns = span.start_time if isinstance(span, ReadableSpan) else None  # None: it is not sampled
        return SpanTrace(self._tracer, span, (begun_ns or 0) - round(time.perf_counter() * 1e9))

    def close(self) -> None:
        """Sends what has not been sent; a collector that takes too long does not get it."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        if closing.is_alive():
            logger.warning("the collector of traces does not answer; leaving it")


def _name(method: str) -> str:
    return method if method in METHODS else "HTTP"


def _callers(headers: Headers) -> Context:
    """The span that the caller says it is in, if that is valid."""
    traceparent = accepted_traceparent(headers)
    if traceparent is None:
        return Context()
    carrier = {"traceparent": traceparent, "tracestate": ",".join(headers.getlist("tracestate"))}
    return _propagator.extract(carrier, Context())


def _fail(span: Span, error: BaseException) -> None:
    """Names the kind of an error; its message might tell of the client's data."""
    span.set_status(StatusCode.ERROR)
    if isinstance(error, asyncio.CancelledError):
        span.set_attribute("error.type", "cancelled")  # by a deadline, or by a client that hung up
    else:
        span.set_attribute("error.type", error.code if isinstance(error, SegserveError) else type(error).__qualname__)
