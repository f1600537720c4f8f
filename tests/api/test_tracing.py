import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.datastructures import Headers

from app.api.tracing import accepted_traceparent
from app.core.telemetry import configure_logging
from tests.api.running import Service

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
VALID = f"00-{TRACE}-{SPAN}-01"
INVALID = [
    "",
    "nonsense",
    VALID.upper(),
    f"ff-{TRACE}-{SPAN}-01",
    f"00-{'0' * 32}-{SPAN}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"{VALID}-more",
    f"{VALID} ",
    f"cc-{TRACE}-{SPAN}-01more",
    f"00-{TRACE}-{SPAN}",
    f"00-{TRACE}-{SPAN}-01-" + "x" * 10_000,
]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What is logged, as JSON lines."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("json", "info", stream)
    yield stream
    root.handlers[:], root.level = handlers, level


def requests(log: io.StringIO) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in lines if line["logger"] == "app.api.access"]


@pytest.mark.parametrize("value", [VALID, f"00-{TRACE}-{SPAN}-00", f"cc-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-01-x"])
def test_a_valid_traceparent_is_accepted(value: str) -> None:
    assert accepted_traceparent(Headers({"traceparent": value})) == value


@pytest.mark.parametrize("value", INVALID)
def test_any_other_is_not(value: str) -> None:
    assert accepted_traceparent(Headers({"traceparent": value})) is None


def test_neither_are_several() -> None:
    twice = [(b"traceparent", VALID.encode())] * 2
    assert accepted_traceparent(Headers(raw=twice)) is None
    assert accepted_traceparent(Headers({})) is None


@pytest.mark.anyio
async def test_without_a_collector_the_log_names_the_callers_trace(
    service: Service, picture: bytes, log: io.StringIO
) -> None:
    answers = [
        await service.http.post("/segment", content=picture, headers=headers)
        for headers in ({"traceparent": VALID}, {"traceparent": INVALID[1]}, {})
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert not any("traceresponse" in answer.headers for answer in answers)
    assert [line.get("trace_id") for line in requests(log)] == [TRACE, None, None]
    assert not any("span_id" in line for line in requests(log))


@pytest.mark.anyio
async def test_requests_at_the_same_time_do_not_mix_their_traces(
    service: Service, picture: bytes, log: io.StringIO
) -> None:
    traces = [f"{number:032x}" for number in range(1, 9)]
    headers = [{"traceparent": f"00-{trace}-{SPAN}-01", "x-request-id": trace} for trace in traces]
    await asyncio.gather(*(service.http.post("/segment", content=picture, headers=each) for each in headers))
    assert sorted(line["trace_id"] for line in requests(log)) == traces
    assert all(line["trace_id"] == line["request_id"] for line in requests(log))
