"""Traffic through a gateway, over every protocol that it speaks, from clients that accept no failure."""

import asyncio
import random
import ssl
import statistics
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.fixtures.gateway import Gateway

CLIENTS = {"HTTP/1.1": 1, "HTTP/1.1, TLS": 1, "HTTP/2, TLS": 2}
"""How many of each protocol; those of HTTP/2 share a connection."""
WEIGHTS = (6, 2, 1, 1)
"""How often which request is sent."""


@dataclass
class Record:
    """What clients of one protocol got.

    Args:
        seconds: until each answer that was as it should be.
        wrong: what else came.
    """

    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class Traffic:
    """Clients that each send one request after another, until they are stopped.

    Args:
        gateway: with TLS.
        trust: in its certificate.
        picture: what they send.
        mask: what has to come back.
    """

    def __init__(self, gateway: Gateway, trust: ssl.SSLContext, picture: bytes, mask: bytes) -> None:
        self.records: dict[str, Record] = {}
        self._gateway, self._trust = gateway, trust
        self._requests: tuple[tuple[str, str, dict[str, Any], bytes], ...] = (
            ("POST", "/segment", {"content": picture}, mask),
            ("POST", "/segment", {"files": {"file": picture}}, mask),
            ("POST", "/segment?output=json", {"content": picture}, b'"undecided"'),
            ("GET", "/model", {}, b'"labels"'),
        )
        self._stopped = False

    @property
    def sent(self) -> int:
        """Requests that are over."""
        return sum(len(record.seconds) + len(record.wrong) for record in self.records.values())

    @property
    def wrong(self) -> list[str]:
        """What came instead of the right answer."""
        return [f"{protocol}: {what}" for protocol, record in self.records.items() for what in record.wrong]

    async def during(self, disturbance: Callable[[], Any]) -> None:
        """Runs while a function runs, in a thread of its own."""
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            for protocol, clients in CLIENTS.items():
                version, _, tls = protocol.partition(", ")
                url = self._gateway.tls_url if tls else self._gateway.url
                http = httpx.AsyncClient(base_url=url, http2=version == "HTTP/2", verify=self._trust, timeout=60)
                await stack.enter_async_context(http)
                record = self.records.setdefault(protocol, Record())
                for seed in range(clients):
                    group.create_task(self._client(http, version, record, random.Random(seed)))
            try:
                await asyncio.to_thread(disturbance)
            finally:
                self._stopped = True

    def table(self) -> str:
        """A Markdown table, a line for each protocol."""
        lines = ["| | requests | failed | p50 ms | p99 ms | most |", "|---|---|---|---|---|---|"]
        for protocol, record in self.records.items():
            times = sorted(second * 1e3 for second in record.seconds)
            p50, p99 = (statistics.quantiles(times, n=100)[at] for at in (49, 98))
            count = len(times) + len(record.wrong)
            lines.append(f"| {protocol} | {count:,} | {len(record.wrong)} | {p50:.0f} | {p99:.0f} | {times[-1]:.0f} |")
        return "\n".join(lines)

    async def _client(self, http: httpx.AsyncClient, version: str, record: Record, draw: random.Random) -> None:
        while not self._stopped:
            method, path, options, expected = draw.choices(self._requests, WEIGHTS)[0]
            begun = time.perf_counter()
            try:
                response = await http.request(method, path, **options)
            except httpx.HTTPError as error:
                record.wrong.append(f"{method} {path}: {error!r}")
                continue
            if (response.status_code, response.http_version) == (200, version) and expected in response.content:
                record.seconds.append(time.perf_counter() - begun)
            else:
                record.wrong.append(f"{method} {path}: {response.status_code} {response.text[:200]}")
