"""Pictures over a socket, as curl and others send them; the server under test can write no file at all."""

import io
import json
import subprocess
from pathlib import Path
from shutil import which

import httpx
import pytest
from PIL import Image

from tests.e2e.process import ServerProcess, exchange, read_answer

FORM = b'--cut\r\nContent-Disposition: form-data; name="file"; filename="cat.jpg"\r\n\r\n%b\r\n--cut--\r\n'


def post(body: bytes, *headers: str, target: str = "/segment") -> bytes:
    head = "\r\n".join([f"POST {target} HTTP/1.1", "Host: segserve", *headers, "", ""])
    return head.encode() + body


def size_of(content: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(content)).size


def test_form_data_binary_and_chunks_give_the_same_mask(server: ServerProcess, photograph: bytes) -> None:
    form = FORM % photograph
    chunked = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (photograph[:1000], photograph[1000:]))
    requests = [
        post(form, "Content-Type: multipart/form-data; boundary=cut", f"Content-Length: {len(form)}"),
        post(photograph, "Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(photograph)}"),
        post(chunked + b"0\r\n\r\n", "Transfer-Encoding: chunked"),
    ]
    with server.connect() as connection:
        answers = [exchange(connection, request) for request in requests]
    assert {status for status, _, _ in answers} == {200}
    assert len({body for _, _, body in answers}) == 1
    assert size_of(answers[0][2]) == (451, 300)
    assert "server" not in answers[0][1]


def test_large_uploads_of_every_kind_reach_no_disk(server: ServerProcess) -> None:
    file = io.BytesIO()
    Image.effect_noise((2500, 2000), 90).convert("RGB").save(file, "BMP")
    picture = file.getvalue()  # 15 MB: far beyond what libraries keep in memory before they spool
    for answer in (
        httpx.post(f"{server.url}/segment", files={"file": ("big.bmp", picture)}, timeout=60),
        httpx.post(f"{server.url}/segment", content=picture, timeout=60),
    ):
        assert answer.status_code == 200
        assert size_of(answer.content) == (2500, 2000)


@pytest.mark.skipif(which("curl") is None, reason="curl is not installed")
def test_the_lines_of_the_readme_for_curl(server: ServerProcess, photograph: bytes, tmp_path: Path) -> None:
    (tmp_path / "cat.jpg").write_bytes(photograph)
    url = f"{server.url}/segment"
    for arguments in (["--data-binary", "@cat.jpg", url], ["-F", "file=@cat.jpg", f"{url}?output=overlay"]):
        run = subprocess.run(["curl", "-sSf", *arguments], cwd=tmp_path, capture_output=True, check=True)
        assert size_of(run.stdout) == (451, 300)
    run = subprocess.run(
        ["curl", "-sSf", "--data-binary", "@cat.jpg", f"{url}?output=json&classes=pet"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert json.loads(run.stdout)["size"] == [300, 451]


@pytest.mark.parametrize("framing", ["declared", "chunked"])
def test_a_client_that_sends_too_much_gets_to_read_why(server: ServerProcess, framing: str) -> None:
    megabyte = b"\xff" * 1_000_000
    with server.connect() as connection:
        if framing == "declared":
            connection.sendall(post(b"", "Content-Length: 30000000"))
        else:
            connection.sendall(post(b"", "Transfer-Encoding: chunked"))
        for _ in range(30):  # blind to answers, as most clients are while they send
            connection.sendall(megabyte if framing == "declared" else b"f4240\r\n%b\r\n" % megabyte)
        status, headers, body = read_answer(connection)
    assert (status, headers["connection"], json.loads(body)["code"]) == (413, "close", "image_too_large")


def test_a_client_that_asks_first_sends_nothing_in_vain(server: ServerProcess) -> None:
    with server.connect() as connection:
        status, _, _ = exchange(connection, post(b"", "Content-Length: 30000000", "Expect: 100-continue"))
        assert status == 413
        assert connection.recv(1000) == b""


def test_after_an_early_error_the_connection_serves_on(server: ServerProcess, photograph: bytes) -> None:
    length = f"Content-Length: {len(photograph)}"
    with server.connect() as connection:
        status, headers, body = exchange(connection, post(photograph, length, target="/segment?treshold=1"))
        assert (status, json.loads(body)["parameter"]) == (422, "treshold")
        assert "connection" not in headers
        status, _, _ = exchange(connection, post(photograph, length))
        assert status == 200


def test_clients_that_hang_up_leave_no_error_behind(server: ServerProcess, photograph: bytes) -> None:
    before = len(server.lines)
    for sent in (b"", photograph[:1000]):
        with server.connect() as connection:
            connection.sendall(post(sent, f"Content-Length: {len(photograph)}", f"X-Request-ID: hung-up-{len(sent)}"))
        assert server.wait_for("request", request_id=f"hung-up-{len(sent)}")["status"] == 499
    assert not [line for line in server.lines[before:] if '"level": "error"' in line]
    assert httpx.get(f"{server.url}/health/ready").status_code == 200
