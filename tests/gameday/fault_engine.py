"""An engine that fails, gives numbers that are none, or hangs."""

import time
from pathlib import Path

import httpx
import pytest

from app.store.repository import ModelStore
from tests.fixtures.waiting import block_until
from tests.gameday.clients import Clients, Note
from tests.gameday.replicas import log_of, replica


@pytest.mark.parametrize("order", ["fail", "nan"])
def test_wrong(order: str, store: ModelStore, photograph: bytes, tmp_path: Path, note: Note) -> None:
    orders = tmp_path / "orders"
    with replica(store.root, program=("tests.gameday.spoiled_engine", str(orders))) as server:
        server.wait_for("ready")
        with Clients(server.url, photograph, 2).sending() as clients:
            clients.wait_for(10)
            orders.write_text(order)
            block_until(lambda: any(answer.status == 500 for answer in clients.answers))
            live = httpx.get(f"{server.url}/health/live").status_code
            orders.unlink()
            begun = time.monotonic()
            clients.wait_for(10)
            back = time.monotonic() - begun
        errors = log_of(server, "error")
    assert {(answer.status, answer.code) for answer in clients.answers} == {(200, ""), (500, "inference_failed")}
    assert live == 200
    assert len(clients.masks()) == 1
    if order == "fail":
        assert any("out of order" in line for line in errors)
        assert not any(b"out of order" in answer.content for answer in clients.answers)
    note(
        {"fail": "engine raises", "nan": "engine gives NaN"}[order],
        clients.told(),
        f"{back:.1f} from its end to the tenth mask",
        "the pictures it failed on",
        'log: the engine\'s own words under each request id; `segserve_problems_total{code="inference_failed"}`',
    )


def test_hangs(store: ModelStore, photograph: bytes, tmp_path: Path, note: Note) -> None:
    orders = tmp_path / "orders"
    program = ("tests.gameday.spoiled_engine", str(orders))
    with replica(store.root, program=program, watchdog_seconds=2, max_queue=8, shutdown_seconds=1) as server:
        server.wait_for("ready")
        httpx.post(f"{server.url}/segment", content=photograph).raise_for_status()
        orders.write_text("hang")
        begun = time.monotonic()
        with Clients(server.url, photograph, 12).sending() as clients:
            block_until(lambda: httpx.get(f"{server.url}/health/live").status_code == 503)
            noticed = time.monotonic() - begun
            stuck = httpx.get(f"{server.url}/health/live").json()
            block_until(lambda: any(answer.code == "overloaded" for answer in clients.answers))
            late = httpx.post(f"{server.url}/segment?timeout=0.2", content=photograph)
            orders.unlink()
            clients.wait_for(5)
            assert httpx.get(f"{server.url}/health/live").status_code == 200
            orders.write_text("hang")
            block_until(lambda: httpx.get(f"{server.url}/health/live").status_code == 503)
            server.terminate()
            begun = time.monotonic()
            code = server.exit_code()
            ended = time.monotonic() - begun
    assert stuck["code"] == "engine_stalled"
    assert late.json()["code"] in {"overloaded", "deadline_exceeded"}
    assert {answer.status for answer in clients.answers} <= {200, 503, 0}
    note(
        "engine hangs, 12 clients, 8 places",
        f"{clients.told()}; with `timeout=0.2`: {late.status_code}",
        f"{noticed:.1f} until live said 503 (`watchdog_seconds` 2); after SIGTERM ended in {ended:.1f}, code {code}",
        "the pictures that the engine had",
        f"“{stuck['detail']}”; `segserve_engine_stuck_seconds`",
    )
