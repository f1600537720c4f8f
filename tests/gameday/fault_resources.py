"""No file descriptors, no memory."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx

from app.store.repository import ModelStore
from tests.e2e.process import ServerProcess
from tests.fixtures.waiting import block_until
from tests.gameday.clients import Clients, Note
from tests.gameday.replicas import end, replica


def takes_newcomers(server: ServerProcess) -> bool:
    """Whether it answers on a new connection; one that comes while it still closes others may be reset."""
    try:
        return httpx.get(f"{server.url}/health/live").status_code == 200
    except httpx.TransportError:
        return False


def test_no_file_descriptors(store: ModelStore, photograph: bytes, note: Note) -> None:
    with replica(store.root, limits="ulimit -n 64", poll_seconds=0) as server:
        server.wait_for("ready")
        with Clients(server.url, photograph, 2).sending() as clients:
            clients.wait_for(10)
            with ExitStack() as idle:
                for _ in range(100):
                    idle.enter_context(socket.create_connection(("127.0.0.1", server.port)))
                clients.wait_for(50)  # those who are connected are answered
            begun = time.monotonic()
            block_until(lambda: takes_newcomers(server))
            back = time.monotonic() - begun
        lines = len(server.lines)
        end(server)
    assert {answer.status for answer in clients.answers} == {200}
    assert lines < len(clients.answers) + 60
    note(
        "100 idle connections where 64 descriptors are allowed",
        f"{clients.told()} to those who were connected; those beyond are cut off",
        f"{back:.1f} from their end to the first newcomer's answer",
        "nothing",
        "alert SegserveFilesRunOut",
    )


def test_no_memory(store: ModelStore, photograph: bytes, large_photograph: bytes, note: Note) -> None:
    with replica(store.root, poll_seconds=0) as measured:
        measured.wait_for("ready")
        httpx.post(f"{measured.url}/segment", content=photograph).raise_for_status()
        address_space = measured.address_space_mb()
        end(measured)
    limit = int(address_space) + 300
    with replica(store.root, limits=f"ulimit -v {limit * 1024}", poll_seconds=0) as server:
        server.wait_for("ready")

        def send(_: int) -> tuple[int, str]:
            answer = httpx.post(f"{server.url}/segment?output=overlay", content=large_photograph, timeout=60)
            return answer.status_code, "" if answer.status_code == 200 else answer.json()["code"]

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(send, range(24)))
        assert httpx.get(f"{server.url}/health/live").status_code == 200
        after = httpx.post(f"{server.url}/segment", content=photograph)
        assert after.status_code == 200
        end(server)
    counted = {answer: answers.count(answer) for answer in sorted(set(answers))}
    assert {status for status, _ in answers} <= {200, 503}
    note(
        f"{limit} MB of addresses ({int(address_space)} at rest), 8 clients, 12 megapixels, `overlay`",
        ", ".join(f"{count} × {status}{f' `{code}`' if code else ''}" for (status, code), count in counted.items()),
        "–",
        "nothing; the next picture is answered",
        "the process goes on",
    )
