import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id
from starlette.responses import StreamingResponse

from app.api.spans import SpanTracing
from app.core.settings import Settings
from app.inference.segmenter import Segmenter
from tests.api.running import Service, running
from tests.fixtures.waiting import until

pytestmark = pytest.mark.anyio

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
STAGES = ["decode", "queue", "inference", "encode"]


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
async def traced(settings: Settings, exporter: InMemorySpanExporter) -> AsyncIterator[Service]:
    """A service whose spans are kept as they end."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    async with running(settings) as service:
        service.state.tracing = SpanTracing(provider)
        yield service


def attributes(span: ReadableSpan) -> Mapping[str, Any]:
    assert span.attributes is not None
    return span.attributes


def named(exporter: InMemorySpanExporter, name: str) -> ReadableSpan:
    (span,) = [span for span in exporter.get_finished_spans() if span.name == name]
    return span


def children(exporter: InMemorySpanExporter, of: ReadableSpan) -> list[ReadableSpan]:
    assert of.context is not None
    parent = of.context.span_id
    return [span for span in exporter.get_finished_spans() if span.parent and span.parent.span_id == parent]


async def test_a_request_is_a_span_with_one_for_each_stage_in_the_trace_of_the_caller(
    traced: Service, exporter: InMemorySpanExporter, picture: bytes
) -> None:
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "rojo=1,congo=2", "x-request-id": "abc"}
    answer = await traced.http.post("/segment?output=overlay&classes=pet", content=picture, headers=headers)
    span = named(exporter, "POST /segment")
    assert span.kind is SpanKind.SERVER
    assert span.parent is not None
    assert span.parent.is_remote
    assert span.context is not None
    assert (format_trace_id(span.context.trace_id), format_span_id(span.parent.span_id)) == (TRACE, SPAN)
    assert span.context.trace_state.to_header() == "rojo=1,congo=2"
    assert attributes(span) == {
        "http.request.method": "POST",
        "http.route": "/segment",
        "http.response.status_code": 200,
        "http.response.body.size": len(answer.content),
        "network.protocol.version": "1.1",
        "url.scheme": "http",
        "segserve.request_id": "abc",
        "segserve.pictures": 1,
        "segserve.model.name": "pets",
        "segserve.model.version": "1",
        "segserve.output": "overlay",
        "segserve.picture.width": 60,
        "segserve.picture.height": 40,
    }
    assert span.status.status_code is StatusCode.UNSET
    assert answer.headers["traceresponse"] == f"00-{TRACE}-{format_span_id(span.context.span_id)}-01"

    stages = children(exporter, span)
    assert [stage.name for stage in stages] == STAGES
    assert span.start_time is not None
    assert span.end_time is not None
    for stage in stages:
        assert stage.start_time is not None
        assert stage.end_time is not None
        assert span.start_time <= stage.start_time <= stage.end_time <= span.end_time
        assert attributes(stage) == {}


@pytest.mark.parametrize("traceparent", [None, "nonsense", f"00-{'0' * 32}-{SPAN}-01", f"ff-{TRACE}-{SPAN}-01"])
async def test_without_a_valid_traceparent_a_trace_begins(
    traced: Service, exporter: InMemorySpanExporter, traceparent: str | None
) -> None:
    headers = {} if traceparent is None else {"traceparent": traceparent, "tracestate": "a=1"}
    answer = await traced.http.get("/model", headers=headers)
    assert answer.status_code == 200
    span = named(exporter, "GET /model")
    assert span.parent is None
    assert span.context is not None
    assert span.context.trace_state.to_header() == ""
    assert answer.headers["traceresponse"].split("-")[1] == format_trace_id(span.context.trace_id) != TRACE


async def test_a_tracestate_that_is_wrong_or_too_long_is_left_out(
    traced: Service, exporter: InMemorySpanExporter
) -> None:
    for tracestate in (b"===", b"a=" + b"x" * 5000, b"", b"\xff"):
        headers = {b"traceparent": f"00-{TRACE}-{SPAN}-01".encode(), b"tracestate": tracestate}
        answer = await traced.http.get("/model", headers=headers)
        assert answer.headers["traceresponse"].startswith(f"00-{TRACE}-")


async def test_what_the_caller_does_not_sample_is_not_recorded(
    traced: Service, exporter: InMemorySpanExporter, picture: bytes
) -> None:
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-00"}
    answer = await traced.http.post("/segment", content=picture, headers=headers)
    assert answer.headers["traceresponse"].startswith(f"00-{TRACE}-")
    assert answer.headers["traceresponse"].endswith("-00")
    assert exporter.get_finished_spans() == ()


async def test_the_caller_may_sample_what_the_service_would_not(
    settings: Settings, exporter: InMemorySpanExporter, picture: bytes
) -> None:
    provider = TracerProvider(ParentBased(ALWAYS_OFF), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    async with running(settings) as service:
        service.state.tracing = SpanTracing(provider)
        await service.http.post("/segment", content=picture)
        assert exporter.get_finished_spans() == ()
        await service.http.post("/segment", content=picture, headers={"traceparent": f"00-{TRACE}-{SPAN}-01"})
    assert len(exporter.get_finished_spans()) == 1 + len(STAGES)


async def test_each_of_several_pictures_has_a_span(
    traced: Service, exporter: InMemorySpanExporter, picture: bytes
) -> None:
    files = [("file", ("secret.jpg", data)) for data in (picture, b"no picture", picture)]
    await traced.http.post("/segment", files=files)
    span = named(exporter, "POST /segment")
    assert attributes(span)["segserve.pictures"] == 3
    assert attributes(span).keys().isdisjoint({"error.type", "segserve.picture.width"})
    pictures = children(exporter, span)
    assert [each.name for each in pictures] == ["picture"] * 3
    failed = [each for each in pictures if each.status.status_code is StatusCode.ERROR]
    assert [dict(attributes(each)) for each in failed] == [{"error.type": "invalid_image"}]
    for each in pictures:
        stages = children(exporter, each)
        if each in failed:
            assert [stage.name for stage in stages] == ["decode"]
            assert attributes(stages[0])["error.type"] == "invalid_image"
        else:
            assert [stage.name for stage in stages] == STAGES
            assert attributes(each).items() >= {"segserve.picture.width": 60, "segserve.model.name": "pets"}.items()


async def test_errors_are_named_by_their_code(traced: Service, exporter: InMemorySpanExporter) -> None:
    await traced.http.post("/segment", content=b"no picture")
    span = named(exporter, "POST /segment")
    assert attributes(span)["error.type"] == "invalid_image"
    assert span.status.status_code is StatusCode.UNSET  # the client's fault
    (decode,) = children(exporter, span)
    assert (decode.status.status_code, attributes(decode)["error.type"]) == (StatusCode.ERROR, "invalid_image")


async def test_an_error_of_the_service_makes_its_span_one(
    traced: Service, exporter: InMemorySpanExporter, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def explode(*_: object) -> None:
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(Segmenter, "segment", explode)
    answer = await traced.http.post("/segment", content=picture)
    span = named(exporter, "POST /segment")
    assert answer.status_code == attributes(span)["http.response.status_code"] == 500
    assert (span.status.status_code, attributes(span)["error.type"]) == (StatusCode.ERROR, "internal_error")
    assert span.events == ()  # an exception's message might tell of the client's data


async def test_a_stage_that_outlives_its_request_is_in_its_trace(
    traced: Service, exporter: InMemorySpanExporter, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()
    prepare = Segmenter._prepare

    def held(*arguments: Any) -> Any:
        answered.wait(30)
        return prepare(*arguments)

    monkeypatch.setattr(Segmenter, "_prepare", held)
    await traced.http.post("/segment?timeout=0.01", content=picture)
    span = named(exporter, "POST /segment")
    assert attributes(span)["error.type"] == "deadline_exceeded"
    assert span.status.status_code is StatusCode.ERROR
    answered.set()
    await until(lambda: children(exporter, span))
    (decode,) = children(exporter, span)
    assert decode.end_time is not None
    assert span.end_time is not None
    assert decode.end_time > span.end_time
    assert attributes(decode)["error.type"] == "cancelled"


async def test_an_answer_that_breaks_off_is_an_error(settings: Settings, exporter: InMemorySpanExporter) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half an answer"
        raise RuntimeError("disk gone")

    async def half() -> StreamingResponse:
        return StreamingResponse(broken())

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    async with running(settings, loaded=False) as service:
        service.state.tracing = SpanTracing(provider)
        service.app.add_api_route("/half", half, include_in_schema=False)
        with pytest.raises(RuntimeError, match="disk gone"):
            await service.http.get("/half")
    span = named(exporter, "GET /half")
    assert (span.status.status_code, attributes(span)["error.type"]) == (StatusCode.ERROR, "RuntimeError")


async def test_nothing_of_a_path_that_nobody_serves_stands_in_its_span(
    traced: Service, exporter: InMemorySpanExporter
) -> None:
    await traced.http.request("BREW", "/secret/path?secret=secret", headers={"user-agent": "secret"})
    (span,) = exporter.get_finished_spans()
    assert span.name == "HTTP"
    assert attributes(span)["http.request.method"] == "_OTHER"
    assert attributes(span)["error.type"] == "not_found"
    assert "secret" not in span.to_json()
    assert "BREW" not in span.to_json()


async def test_probes_have_no_spans_unless_they_fail(traced: Service, exporter: InMemorySpanExporter) -> None:
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert (await traced.http.get(path)).status_code == 200
    assert exporter.get_finished_spans() == ()
    traced.state.drain()
    await traced.http.get("/health/ready")
    assert attributes(named(exporter, "GET /health/ready"))["error.type"] == "model_not_ready"


async def test_traces_of_requests_at_the_same_time_do_not_mix(
    traced: Service, exporter: InMemorySpanExporter, picture: bytes
) -> None:
    traces = [f"{number:032x}" for number in range(1, 9)]
    headers = [{"traceparent": f"00-{trace}-{SPAN}-01"} for trace in traces]
    await asyncio.gather(*(traced.http.post("/segment", content=picture, headers=each) for each in headers))
    by_trace: dict[str, list[str]] = {}
    for span in exporter.get_finished_spans():
        assert span.context is not None
        by_trace.setdefault(format_trace_id(span.context.trace_id), []).append(span.name)
    assert sorted(by_trace) == traces
    assert all(sorted(names) == sorted(["POST /segment", *STAGES]) for names in by_trace.values())
