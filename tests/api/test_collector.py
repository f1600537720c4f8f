import logging
import sys
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from app import __version__
from app.api.collector import Seldom, tracing_from_environment
from app.api.spans import SpanTracing
from app.api.tracing import Tracing
from app.core.errors import ConfigurationError
from app.core.settings import Settings
from tests.api.running import running
from tests.fixtures.collector import running_collector, values
from tests.fixtures.gateway import free_port
from tests.fixtures.waiting import block_until, until

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
LOCAL = "http://127.0.0.1:4318"


@pytest.fixture(autouse=True)
def sender_ends() -> Iterator[None]:
    """Else its thread tries again during later tests, with `random`, which Hypothesis watches while it draws."""
    yield
    block_until(lambda: not any(thread.name.startswith("OtelBatch") for thread in threading.enumerate()))


def closed(tracing: Tracing) -> Tracing:
    tracing.close()
    return tracing


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {ENDPOINT: ""},
        {ENDPOINT: LOCAL, "OTEL_SDK_DISABLED": "true"},
        {ENDPOINT: LOCAL, "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_without_an_endpoint_nothing_is_recorded(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert type(tracing_from_environment()) is Tracing


@pytest.mark.parametrize("name", [ENDPOINT, TRACES_ENDPOINT])
def test_an_endpoint_switches_it_on(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, LOCAL)
    assert isinstance(closed(tracing_from_environment()), SpanTracing)


@pytest.mark.parametrize("missing", ["opentelemetry.sdk", "opentelemetry.exporter"])
def test_an_endpoint_without_the_extra_names_the_remedy(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(missing)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    assert type(tracing_from_environment()) is Tracing
    monkeypatch.setenv(ENDPOINT, LOCAL)
    with pytest.raises(ConfigurationError, match=r"pip install 'segserve\[traces\]'"):
        tracing_from_environment()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "otlp over http/protobuf only, not with otlp over grpc"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "not with zipkin"),
        (ENDPOINT, "localhost:4318", "no URL of a collector"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100", "one of the variables OTEL_.* is wrong: max_export_batch_size"),
    ],
)
def test_what_cannot_be_is_told_at_the_start(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, LOCAL)
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=message):
        tracing_from_environment()


@pytest.mark.anyio
@pytest.mark.parametrize(("path", "name"), [("", None), ("/", "masks")])
async def test_spans_arrive_with_what_the_environment_says_of_the_service(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, path: str, name: str | None
) -> None:
    with running_collector() as collector:
        monkeypatch.setenv(ENDPOINT, collector.url + path)
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.name=a,service.version=7")
        if name is not None:
            monkeypatch.setenv("OTEL_SERVICE_NAME", name)
        async with running(settings, loaded=False) as service:
            await service.http.get("/openapi.json")
    (resource,) = collector.resources()
    assert (
        values(resource.resource.attributes).items()
        >= {
            "service.name": name or "segserve",
            "service.version": "7",
            "k8s.pod.name": "a",
            "telemetry.sdk.language": "python",
        }.items()
    )
    (scope,) = resource.scope_spans
    assert (scope.scope.name, scope.scope.version) == ("segserve", __version__)


@pytest.mark.anyio
async def test_the_operators_sampler_is_used(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_collector() as collector:
        monkeypatch.setenv(ENDPOINT, collector.url)
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
        monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
        async with running(settings, loaded=False) as service:
            for traceparent in ("", f"00-{'1' * 32}-{'2' * 16}-01"):
                await service.http.get("/openapi.json", headers={"traceparent": traceparent})
    assert [span.trace_id.hex() for span in collector.all_spans()] == ["1" * 32]


@pytest.mark.anyio
async def test_a_collector_that_is_gone_costs_no_request_and_fills_no_log(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def complaints() -> list[logging.LogRecord]:
        return [record for record in caplog.records if record.name.startswith("opentelemetry")]

    monkeypatch.setattr("app.api.collector.COMPLAINTS", Seldom(60.0))
    monkeypatch.setattr("app.api.spans.CLOSE_SECONDS", 0.1)
    for name, value in {"SCHEDULE_DELAY": "1", "MAX_QUEUE_SIZE": "4", "MAX_EXPORT_BATCH_SIZE": "2"}.items():
        monkeypatch.setenv(f"OTEL_BSP_{name}", value)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.5")  # seconds: no second try
    monkeypatch.setenv(ENDPOINT, f"http://127.0.0.1:{free_port()}")
    async with running(settings, loaded=False) as service:
        for _ in range(20):
            assert (await service.http.get("/openapi.json")).status_code == 200
        await until(complaints)
        for _ in range(20):
            assert (await service.http.get("/openapi.json")).status_code == 200
    assert len(complaints()) == 1


@pytest.mark.anyio
async def test_a_collector_that_hangs_keeps_neither_requests_nor_the_end(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("app.api.spans.CLOSE_SECONDS", 0.1)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    held = threading.Event()
    with running_collector(held=held) as collector:
        monkeypatch.setenv(ENDPOINT, collector.url)
        async with running(settings, loaded=False) as service:
            await service.http.get("/openapi.json")
            await until(lambda: collector.requests)
            assert (await service.http.get("/openapi.json")).status_code == 200
            started = time.monotonic()
        assert time.monotonic() - started < 5
        assert "the collector of traces does not answer" in caplog.text
        held.set()


def test_complaints_are_let_through_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 101.0, 159.0, 161.0, 162.0])
    monkeypatch.setattr("app.api.collector.time", SimpleNamespace(monotonic=lambda: next(clock)))
    record = logging.makeLogRecord({})
    few = Seldom(60.0)
    assert [few.filter(record) for _ in range(5)] == [True, False, False, True, False]
