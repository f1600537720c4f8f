"""The gateway is told to read its configuration again, and is started again."""

import signal
import time
from contextlib import ExitStack
from pathlib import Path

import httpx

from app.store.repository import ModelStore
from tests.fixtures.gateway import running_gateway
from tests.gameday.clients import Clients, Note
from tests.gameday.replicas import replica


def test_reload(store: ModelStore, photograph: bytes, tmp_path: Path, note: Note) -> None:
    with replica(store.root) as only:
        only.wait_for("ready")
        with (
            running_gateway(tmp_path / "gateway", [only.port]) as gateway,
            Clients(gateway.url, photograph).sending() as clients,
        ):
            for _ in range(5):
                clients.wait_for(20)
                gateway.process.send_signal(signal.SIGHUP)
            clients.wait_for(50)
    assert {answer.status for answer in clients.answers} == {200}
    note(
        "gateway reads its configuration again five times (HUP), 4 clients",
        clients.told(),
        f"{clients.gap():.2f} at most without a mask",
        "nothing",
        "–",
    )


def test_restart(store: ModelStore, photograph: bytes, tmp_path: Path, note: Note) -> None:
    with replica(store.root) as only, ExitStack() as later:
        only.wait_for("ready")
        with running_gateway(tmp_path / "gateway", [only.port]) as gateway:
            clients = Clients(gateway.url, photograph, tries=50)
            with clients.sending():
                clients.wait_for(50)
                gateway.process.send_signal(signal.SIGQUIT)
                gateway.process.wait(timeout=60)
                begun = time.monotonic()
                later.enter_context(running_gateway(tmp_path / "again", [only.port], port=gateway.port))
                away = time.monotonic() - begun
                clients.wait_for(50)
        answered = replica_requests(only.url)
    assert {answer.status for answer in clients.answers} == {200}
    note(
        "gateway ends (QUIT) and is started again; 4 clients that try again where nobody listens",
        f"{clients.told()}; longest wait {clients.longest():.2f} s",
        f"{away:.2f} without a gateway",
        "nothing that was begun",
        f"replica: {answered} requests answered",
    )


def replica_requests(url: str) -> int:
    """How many requests for masks a replica has answered."""
    text = httpx.get(f"{url}/metrics").text
    lines = [line for line in text.splitlines() if line.startswith("segserve_requests_total{") and "/segment" in line]
    return sum(int(float(line.rpartition(" ")[2])) for line in lines)
