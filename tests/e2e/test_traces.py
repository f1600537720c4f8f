"""One request followed from the gateway's log to its mask: a real nginx, a real service, a collector of OTLP."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.api.spans import CLOSE_SECONDS
from tests.e2e.process import ServerProcess
from tests.fixtures.collector import Collector, running_collector, values
from tests.fixtures.gateway import Gateway, running_gateway
from tests.fixtures.waiting import block_until

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
STAGES = ["decode", "queue", "inference", "encode"]
SECRET = "tell-nobody"
SLACK = 5.0
"""Seconds that the process may take for everything else at its end, on a busy machine."""


@contextmanager
def traced(store: Path, endpoint: str) -> Iterator[ServerProcess]:
    """A service that sends its spans there; it has ended well when the block has."""
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "FASTAPI_OTEL_AUTO_CONFIGURE": "true",  # it must not have its way
        "SEGSERVE_DRAIN_SECONDS": "0",
        "SEGSERVE_LOG_LEVEL": "debug",
    }
    with ServerProcess("--model-store", str(store), environment=environment) as server:
        server.wait_for("ready")
        yield server
        server.terminate()
        assert server.exit_code() == 0


@dataclass(frozen=True)
class Deployment:
    """A gateway before a service that sends its spans to a collector."""

    gateway: Gateway
    service: ServerProcess
    collector: Collector

    def log_line(self, request_id: str) -> dict[str, Any]:
        """What the service's log says of a request."""
        lines: list[dict[str, Any]] = [json.loads(line) for line in self.service.lines if line.startswith("{")]
        (line,) = [line for line in lines if line["message"] == "request" and line["request_id"] == request_id]
        return line


@pytest.fixture(scope="module")
def deployment(tiny_store_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with (
        running_collector() as collector,
        traced(tiny_store_path, collector.url) as service,
        running_gateway(tmp_path_factory.mktemp("nginx"), [service.port]) as gateway,
    ):
        yield Deployment(gateway, service, collector)


def test_a_request_from_the_gateway_to_its_mask(deployment: Deployment, photograph: bytes) -> None:
    collector = deployment.collector
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01", "X-Request-ID": "from/outside"}
    answer = httpx.post(f"{deployment.gateway.url}/segment", content=photograph, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    block_until(lambda: len(collector.spans(TRACE)) == 1 + len(STAGES))
    block_until(deployment.gateway.lines)

    at_gateway, at_service = deployment.gateway.logged("from/outside"), deployment.log_line("from/outside")
    assert (at_gateway["traceparent"], at_gateway["status"]) == (headers["traceparent"], 200)
    assert at_gateway["upstream"] == f"127.0.0.1:{deployment.service.port}"
    assert float(at_gateway["upstream_seconds"]) > 0
    assert (at_service["trace_id"], at_service["model"], at_service["picture"]) == (TRACE, "pets/1", "451x300")
    told = f"00-{TRACE}-{at_service['span_id']}-01"
    assert at_gateway["traceresponse"] == answer.headers["traceresponse"] == told

    request, *stages = collector.spans(TRACE)
    assert (request.name, request.span_id.hex()) == ("POST /segment", at_service["span_id"])
    assert request.parent_span_id.hex() == SPAN
    assert values(request.attributes)["segserve.request_id"] == "from/outside"
    assert [stage.name for stage in stages] == STAGES
    assert {stage.parent_span_id for stage in stages} == {request.span_id}
    for stage in stages:
        milliseconds = (stage.end_time_unix_nano - stage.start_time_unix_nano) / 1e6
        assert milliseconds == pytest.approx(at_service[f"{stage.name}_ms"], abs=1)


def test_a_trace_that_begins_in_the_service_is_found_from_the_gateways_log(deployment: Deployment) -> None:
    headers = {"traceparent": "nonsense", "X-Request-ID": "one"}
    httpx.get(f"{deployment.gateway.url}/model", headers=headers).raise_for_status()
    block_until(lambda: any(line["request_id"] == "one" for line in deployment.gateway.lines()))
    line = deployment.gateway.logged("one")
    assert line["traceparent"] == ""
    trace_id = line["traceresponse"].split("-")[1]
    assert deployment.log_line("one")["trace_id"] == trace_id
    block_until(lambda: deployment.collector.spans(trace_id))
    (span,) = deployment.collector.spans(trace_id)
    assert (span.name, span.parent_span_id) == ("GET /model", b"")


def test_nothing_that_clients_send_is_in_spans_or_logs(deployment: Deployment, photograph: bytes) -> None:
    url, collector = deployment.service.url, deployment.collector
    headers = {"Authorization": f"Bearer {SECRET}", "Cookie": SECRET, "User-Agent": SECRET, "tracestate": SECRET}
    files = [("file", (f"{SECRET}.jpg", data)) for data in (photograph, SECRET.encode())]
    with httpx.Client(base_url=url, headers=headers) as client:
        client.post("/segment", content=photograph).raise_for_status()
        for part in (files[:1], files):
            client.post("/segment", files=part).raise_for_status()
        client.post("/segment", content=SECRET.encode())
        client.post("/segment", content=photograph, params={"key": SECRET})
        client.post("/segment", content=photograph, params={"model": SECRET})
        client.request(SECRET, f"/{SECRET}/nowhere")
        client.get("/health/live", headers={"traceparent": SECRET, "X-Request-ID": f"{SECRET} and a space"})
        client.get("/model", headers={"traceparent": f"00-{'1' * 32}-{SPAN}-01"}).raise_for_status()
    block_until(lambda: collector.spans("1" * 32))  # they are sent in the order of their ends
    names = [span.name for span in collector.all_spans()]
    assert names.count("picture") == 2
    assert "HTTP" in names
    assert not [name for name in names if name not in {"POST /segment", "GET /model", "HTTP", "picture", *STAGES}]
    assert not [body for body in collector.bodies if SECRET.encode() in body or photograph[200:220] in body]
    assert not [line for line in deployment.service.lines if SECRET in line]


def test_a_collector_that_hangs_does_not_keep_the_process(tiny_store_path: Path, photograph: bytes) -> None:
    held = threading.Event()
    with running_collector(held=held) as collector:
        with traced(tiny_store_path, collector.url) as server:
            with httpx.Client(base_url=server.url) as client:
                client.post("/segment", content=photograph).raise_for_status()
                block_until(lambda: collector.requests)
                client.post("/segment", content=photograph).raise_for_status()
            started = time.monotonic()
            server.terminate()
            assert server.exit_code() == 0
            assert time.monotonic() - started < CLOSE_SECONDS + SLACK
        held.set()
