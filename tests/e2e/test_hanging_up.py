"""Clients that hang up: what nobody waits for is not done, and nobody else is touched."""

import json
import re
import select
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from app.api.errors import CLIENT_CLOSED_REQUEST
from app.nn.config import UNetXceptionConfig
from app.store.repository import ModelStore
from tests.e2e.process import ServerProcess, read_answer
from tests.fixtures.tiny_model import publish_tiny
from tests.fixtures.waiting import block_until

STAYING = 4
LEAVING = 16
PLACES = STAYING + LEAVING + 2
"""Most requests at a time: those, the one whose picture is in work, and one that probes."""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with which `close` resets the connection, as a client that is killed does."""
FORM = "multipart/form-data; boundary=cut"


@pytest.fixture(scope="module")
def slow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A third of a second and more for a picture, one at a time, and few places."""
    store = ModelStore(tmp_path_factory.mktemp("slow"))
    config = UNetXceptionConfig(input_size=(1536, 1536), classes=3, filters=(8, 16))
    publish_tiny(store, tmp_path_factory.mktemp("network"), config=config)
    arguments = ["--model-store", str(store.root), "--model", "pets:1", "--threads", "1"]
    environment = {"SEGSERVE_MAX_QUEUE": str(PLACES), "SEGSERVE_DRAIN_SECONDS": "0"}
    with ServerProcess(*arguments, environment=environment) as process:
        assert process.wait_for("model loaded")["streams"] == 1
        process.wait_for("ready")
        yield process
        process.terminate()
        assert process.exit_code() == 0


class Clients(ExitStack):
    """Requests over sockets of their own to one server, and what it shows of them; all are closed at the end.

    Args:
        server: it has no other clients meanwhile.
        picture: what they send.
    """

    def __init__(self, server: ServerProcess, picture: bytes) -> None:
        super().__init__()
        self._server = server
        self._picture = picture
        self._http = self.enter_context(httpx.Client(base_url=server.url, timeout=60))
        block_until(lambda: not self.in_flight())
        self._sent = self._taken()

    def send(self, name: str, *headers: str, part: int | None = None) -> socket.socket:
        """Sends a request with that id, or so many bytes of its body; returns once it is taken."""
        connection = self.enter_context(self._server.connect())
        body = self._picture
        if f"Content-Type: {FORM}" in headers:
            body = b'--cut\r\nContent-Disposition: form-data; name="file"\r\n\r\n%b\r\n--cut--\r\n' % body
        length = () if "Transfer-Encoding: chunked" in headers else (f"Content-Length: {len(body)}",)
        if not length:
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        head = "\r\n".join(["POST /segment HTTP/1.1", "Host: x", f"X-Request-ID: {name}", *headers, *length, "", ""])
        connection.sendall(head.encode() + body[:part])
        self._sent += 1
        block_until(lambda: self._taken() == self._sent)
        return connection

    def probe(self) -> None:
        """A request finds a place, and passes the pixel workers after all that came before it."""
        answer = self._http.post("/segment", content=b"no picture")
        assert answer.status_code == 400, answer.text
        self._sent += 1

    def segment(self) -> httpx.Response:
        """A request whose answer is waited for."""
        answer = self._http.post("/segment", content=self._picture)
        assert answer.status_code == 200, answer.text
        self._sent += 1
        return answer

    def in_flight(self) -> int:
        """Requests without their answer."""
        return self._shown("segserve_requests_in_flight") - 1  # the one that asks

    def ended(self, names: list[str]) -> dict[str, int]:
        """Status of each in the log, once it is there."""
        block_until(lambda: self._logged().keys() >= set(names))
        return {name: status for name, status in self._logged().items() if name in names}

    def _taken(self) -> int:
        """Requests to `/segment`, with and without their answer."""
        return self._shown(r'segserve_requests_(in_flight|total\{.*route="/segment".*\})') - 1

    def _shown(self, series: str) -> int:
        """Sum of the series that match."""
        lines = self._http.get("/metrics").text.splitlines()
        found = [re.fullmatch(rf"{series} (?P<value>\d+)\.0", line) for line in lines]
        return sum(int(match["value"]) for match in found if match)

    def _logged(self) -> dict[str, int]:
        entries = [json.loads(line) for line in list(self._server.lines)]
        return {entry["request_id"]: entry["status"] for entry in entries if entry["message"] == "request"}


def hang_up(*connections: socket.socket) -> None:
    """Every other one by a reset."""
    for number, connection in enumerate(connections):
        if number % 2:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        connection.close()


def milliseconds(answer: httpx.Response, stage: str) -> float:
    stages = dict(entry.split(";dur=") for entry in answer.headers["server-timing"].split(", "))
    return float(stages[stage])


def test_what_waits_for_nobody_is_never_computed(slow_server: ServerProcess, photograph: bytes) -> None:
    with Clients(slow_server, photograph) as clients:
        expected = clients.segment().content
        in_work = clients.send("in-work")
        clients.probe()
        hang_up(in_work)
        stay = [f"stays-{number}" for number in range(STAYING)]
        staying = [clients.send(name) for name in stay]
        leave = [f"leaves-{number}" for number in range(LEAVING)]
        leaving = [clients.send(name) for name in leave]
        clients.probe()
        hang_up(*leaving)
        left = clients.ended(["in-work", *leave])
        assert set(left.values()) == {CLIENT_CLOSED_REQUEST}
        upload = [f"uploads-{number}" for number in range(PLACES - 1)]
        uploads = [clients.send(name, part=500) for name in upload[:LEAVING]]
        clients.probe()  # beside as many others as have left: their places are free
        assert not select.select(staying[-1:], [], [], 0)[0], "the queue ended too soon to show anything"
        after = clients.segment()
        assert after.content == expected
        # Whoever stayed was before it, and the one in work; with those who left they would be 21.
        assert milliseconds(after, "queue") < 10 * milliseconds(after, "inference")
        assert {read_answer(connection)[2] for connection in staying} == {expected}
        assert set(clients.ended(stay).values()) == {200}
        uploads += [clients.send(name, part=500) for name in upload[LEAVING:]]
        clients.probe()  # beside as many as there are places: no place is lost
        hang_up(*uploads)
        assert set(clients.ended(upload).values()) == {CLIENT_CLOSED_REQUEST}
        assert not clients.in_flight()
    assert {json.loads(line)["level"] for line in list(slow_server.lines)} == {"info"}


def test_half_way_through_an_upload(server: ServerProcess, photograph: bytes) -> None:
    kinds = ((), (f"Content-Type: {FORM}",), ("Transfer-Encoding: chunked",))
    before = len(server.lines)
    with Clients(server, photograph) as clients:
        expected = clients.segment().content
        names = [f"half-{number}" for number in range(2 * len(kinds))]
        hang_up(*(clients.send(name, *kinds[number // 2], part=500) for number, name in enumerate(names)))
        assert set(clients.ended(names).values()) == {CLIENT_CLOSED_REQUEST}
        assert not clients.in_flight()
        whole = [clients.send(f"whole-{number}", *kind) for number, kind in enumerate(kinds)]
        assert {read_answer(connection)[2] for connection in whole} == {expected}
    assert {json.loads(line)["level"] for line in server.lines[before:]} == {"info"}
