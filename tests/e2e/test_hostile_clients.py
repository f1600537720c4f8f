"""Clients that do not keep to HTTP, or to nothing but its letter: each gets its refusal, and nobody else notices."""

import contextlib
import json
import socket

import httpx
import pytest

from tests.e2e.process import SECONDS, ServerProcess, exchange, read_answer

GROWTH_MB = 100
"""Most that any of them may cost; what they send is less than a third of it."""
GET = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /segment HTTP/1.1\r\nHost: x\r\n"


def status_of(connection: socket.socket) -> int | None:
    """Of whatever answer comes; None if the connection just ends."""
    answer = b""
    try:
        while b"\r\n" not in answer:
            if not (received := connection.recv(1 << 16)):
                return None
            answer += received
    except ConnectionResetError:
        return None
    return int(answer.split(b" ")[1])


def send_all(connection: socket.socket, data: bytes) -> None:
    """Blind to answers, and to a server that has had enough."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(data)


@pytest.fixture(autouse=True)
def _serves_on(server: ServerProcess, photograph: bytes) -> object:
    """Whatever came before, the next client has its mask, and nothing stands in the log as an error."""
    before, lines = server.resident_mb(), len(server.lines)
    yield
    assert httpx.post(f"{server.url}/segment", content=photograph, timeout=SECONDS).status_code == 200
    assert server.resident_mb() - before < GROWTH_MB
    assert not [line for line in server.lines[lines:] if '"level": "error"' in line]


@pytest.mark.parametrize(
    "head",
    [
        GET + b"".join(b"X-%d: %d\r\n" % (number, number) for number in range(20_000)) + b"\r\n",
        GET + b"X-Long: " + b"x" * 1_000_000 + b"\r\n\r\n",
        GET + b"X-Endless: " + b"x" * 30_000_000,
        b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\n\r\n",
        GET + b"\r\n".join(b" folded" for _ in range(20_000)) + b"\r\n\r\n",
    ],
    ids=["many", "long", "endless", "long path", "folded"],
)
def test_a_flood_of_headers_ends_its_connection(server: ServerProcess, head: bytes) -> None:
    with server.connect() as connection:
        send_all(connection, head)
        assert status_of(connection) in (400, None)


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: -1",
        b"Content-Length: 1e3",
        b"Content-Length: 0x10",
        b"Content-Length: 5, 6",
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Content-Length: " + b"9" * 400,
        b"Transfer-Encoding: chunked, gzip",
        b"Transfer-Encoding: identity, chunked",
        b"Transfer-Encoding : chunked",
    ],
)
def test_a_body_of_no_known_length_is_refused(server: ServerProcess, headers: bytes) -> None:
    with server.connect() as connection:
        send_all(connection, POST + headers + b"\r\n\r\nhello")
        assert status_of(connection) in (400, 413, 501)


def test_more_bytes_than_declared_are_no_part_of_the_picture(server: ServerProcess, photograph: bytes) -> None:
    expected = httpx.post(f"{server.url}/segment", content=photograph, timeout=SECONDS).content
    with server.connect() as connection:
        head = POST + b"Content-Length: %d\r\n\r\n" % len(photograph)
        status, _, received = exchange(connection, head + photograph + b"\xff" * 100 + b"\r\n\r\n")
        assert (status, received[: len(expected)]) == (200, expected)
        rest = received[len(expected) :] or connection.recv(1 << 16)
    assert rest.startswith(b"HTTP/1.1 400")  # they would be the next request


@pytest.mark.parametrize("size", [b"-1", b"0x5", b"5 5", b"f" * 30, b"g"])
def test_chunks_of_no_known_size_are_refused(server: ServerProcess, size: bytes) -> None:
    with server.connect() as connection:
        send_all(connection, POST + b"Transfer-Encoding: chunked\r\n\r\n" + size + b"\r\nhello\r\n0\r\n\r\n")
        assert status_of(connection) in (400, None)


@pytest.mark.parametrize(
    ("part", "count", "code"),
    [
        (b'Content-Disposition: form-data; name="note"\r\n\r\nx\r\n', 100_000, "too_many_parts"),
        (b'Content-Disposition: form-data; name="file"\r\n\r\nx\r\n', 100_000, "too_many_parts"),
        (b'Content-Disposition: form-data; name="' + b"n" * 1_000_000 + b'"\r\n\r\nx\r\n', 1, "malformed_request"),
        (b"X-Header: x\r\n" * 1_000_000 + b"\r\nx\r\n", 1, "malformed_request"),
        (b"X-Header: " + b"x" * 19_000_000 + b"\r\n\r\nx\r\n", 1, "malformed_request"),
    ],
    ids=["parts", "pictures", "a name", "headers", "a header"],
)
def test_a_form_of_too_much(server: ServerProcess, part: bytes, count: int, code: str) -> None:
    body = (b"--cut\r\n" + part) * count + b"--cut--\r\n"
    with server.connect() as connection:
        head = POST + b"Content-Type: multipart/form-data; boundary=cut\r\nContent-Length: %d\r\n\r\n" % len(body)
        send_all(connection, head + body)
        _, _, answer = read_answer(connection)
    assert json.loads(answer)["code"] == code


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "C:\\x", "a" * 4000, "cat%00.png", "~", ".", "con", "|id"]
)
def test_a_name_is_a_name_and_nothing_else(server: ServerProcess, photograph: bytes, name: str) -> None:
    form = b'--cut\r\nContent-Disposition: form-data; name="file"; filename="%b"\r\n\r\n%b\r\n--cut--\r\n'
    answer = httpx.post(
        f"{server.url}/segment?many=ndjson",
        content=form % (name.encode(), photograph),
        headers={"Content-Type": "multipart/form-data; boundary=cut"},
        timeout=SECONDS,
    )
    line = json.loads(answer.content)
    assert (line["status"], line["size"]) == (200, [300, 451])
