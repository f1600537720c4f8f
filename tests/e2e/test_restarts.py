"""Real replicas are restarted one by one behind the shipped gateway, under traffic: nobody notices.

`make gateway-soak` does it for longer: until GATEWAY_REQUESTS requests were answered.
"""

import asyncio
import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from tests.e2e.process import ServerProcess
from tests.e2e.traffic import Traffic
from tests.fixtures.gateway import Gateway, make_certificate, reserved_port, running_gateway
from tests.fixtures.waiting import block_until

ROOT = Path(__file__).parents[2]
REQUESTS = int(os.environ.get("GATEWAY_REQUESTS", "300"))
IN_FULL_SWING = 50
UNLIMITED = {"rate=100r/s": "rate=100000r/s"}
"""All of the traffic comes from one address."""


class Replica:
    """A service that comes back at its port; with the shipped model and default settings.

    Args:
        port: to listen on.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.starts = 0
        self._server = self._started()

    def restart(self) -> None:
        """As an orchestrator does it; returns when it is ready."""
        self._server.terminate()
        assert self._server.exit_code() == 0
        self._server = self._started()

    def crash(self) -> None:
        """Dies without a word, and is started again."""
        self._server.process.kill()
        self._server.exit_code()
        self._server = self._started()

    def end(self) -> None:
        """Whatever it is doing."""
        self._server.process.kill()
        self._server.exit_code()

    def _started(self) -> ServerProcess:
        self.starts += 1
        server = ServerProcess("--model-store", str(ROOT / "model_store"), port=self.port)
        server.wait_for("ready")
        return server


@contextmanager
def two_replicas() -> Iterator[list[Replica]]:
    """Ready."""
    with ExitStack() as stack:
        replicas = []
        for _ in range(2):
            replicas.append(Replica(stack.enter_context(reserved_port())))
            stack.callback(replicas[-1].end)
        yield replicas


def sent_twice(gateway: Gateway) -> int:
    """How many requests another replica had to take over, says the access log."""
    lines = map(json.loads, gateway.access_log.read_text().splitlines())
    return sum("," in line["upstream"] for line in lines)


def test_no_request_fails_while_replicas_are_restarted_and_one_crashes(tmp_path: Path, photograph: bytes) -> None:
    trust = make_certificate(tmp_path / "certificate")
    begun = time.monotonic()
    with (
        two_replicas() as replicas,
        running_gateway(
            tmp_path / "gateway", [r.port for r in replicas], UNLIMITED, tmp_path / "certificate"
        ) as gateway,
    ):
        mask = httpx.post(f"{gateway.url}/segment", content=photograph).raise_for_status().content
        traffic = Traffic(gateway, trust, photograph, mask)

        def disturb() -> None:
            block_until(lambda: traffic.sent >= IN_FULL_SWING)
            replicas[0].crash()
            while True:
                for replica in replicas:
                    replica.restart()
                if traffic.sent >= REQUESTS:
                    break

        asyncio.run(traffic.during(disturb))
    restarts = sum(replica.starts for replica in replicas) - len(replicas) - 1
    print(  # noqa: T201  # a table to report
        f"\n{traffic.table()}\n\n{restarts} restarts and one crash in {time.monotonic() - begun:.0f} s; "
        f"{sent_twice(gateway)} of {traffic.sent:,} requests were sent to a second replica"
    )
    assert not traffic.wrong
    assert traffic.sent >= REQUESTS
