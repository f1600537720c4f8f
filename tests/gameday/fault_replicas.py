"""Replicas that die, go down or stand still under load, behind the gateway."""

import json
import os
import signal
import time
from pathlib import Path

from app.store.repository import ModelStore
from tests.fixtures.gateway import running_gateway
from tests.gameday.clients import Clients, Note
from tests.gameday.replicas import end, log_of, replica


def test_killed(store: ModelStore, photograph: bytes, tmp_path: Path, note: Note) -> None:
    with replica(store.root) as first, replica(store.root) as second:
        first.wait_for("ready"), second.wait_for("ready")
        with (
            running_gateway(tmp_path / "gateway", [first.port, second.port]) as gateway,
            Clients(gateway.url, photograph).sending() as clients,
        ):
            clients.wait_for(50)
            os.kill(first.process.pid, signal.SIGKILL)
            killed = time.monotonic()
            clients.wait_for(50)
            with replica(store.root, first.port) as again:
                again.wait_for("ready")
                back = time.monotonic() - killed
                clients.wait_for(100)
    lines = map(json.loads, gateway.access_log.read_text().splitlines())
    sent_again = sum("," in line["upstream"] for line in lines)
    assert {answer.status for answer in clients.answers} == {200}
    assert len(clients.masks()) == 1
    note(
        "`kill -9` of one of two replicas, 4 clients",
        f"{clients.told()}; longest wait {clients.longest():.2f} s",
        f"{back:.1f} until it was back",
        "nothing",
        f"gateway: {sent_again} requests sent to the other replica",
    )


def test_sigterm(store: ModelStore, photograph: bytes, tmp_path: Path, note: Note) -> None:
    with replica(store.root, drain_seconds=2) as first, replica(store.root) as second:
        first.wait_for("ready"), second.wait_for("ready")
        with (
            running_gateway(tmp_path / "gateway", [first.port, second.port]) as gateway,
            Clients(gateway.url, photograph).sending() as clients,
        ):
            clients.wait_for(50)
            begun = time.monotonic()
            end(first)
            seconds = time.monotonic() - begun
            clients.wait_for(50)
    assert {answer.status for answer in clients.answers} == {200}
    assert not log_of(first, "error")
    note(
        "SIGTERM to one of two replicas, 4 clients",
        f"{clients.told()}; longest wait {clients.longest():.2f} s",
        f"{seconds:.1f} until it ended, with code 0",
        "nothing",
        "log: `draining`, `ended`",
    )


def test_stands_still(store: ModelStore, photograph: bytes, tmp_path: Path, note: Note) -> None:
    with replica(store.root) as first, replica(store.root) as second:
        first.wait_for("ready"), second.wait_for("ready")
        with (
            running_gateway(tmp_path / "gateway", [first.port, second.port]) as gateway,
            Clients(gateway.url, photograph).sending() as clients,
        ):
            clients.wait_for(50)
            os.kill(first.process.pid, signal.SIGSTOP)
            time.sleep(5)
            meanwhile = sum(answer.began + answer.seconds > time.monotonic() - 4 for answer in clients.answers)
            os.kill(first.process.pid, signal.SIGCONT)
            clients.wait_for(50)
    assert {answer.status for answer in clients.answers} == {200}
    assert meanwhile > 20
    slow = sum(answer.seconds > 2 for answer in clients.answers)
    note(
        "one of two replicas stands still for 5 s (SIGSTOP), 4 clients",
        f"{clients.told()}; {slow} waited, at most {clients.longest():.1f} s; {meanwhile} masks from the other",
        "5",
        "nothing",
        "the gateway sends to whoever has the fewest connections",
    )
