"""Start and end of the process."""

import importlib.util
import json
import shutil
import socket
import sys
from pathlib import Path

import httpx
import pytest

from tests.e2e.process import ServerProcess, read_answer


def test_the_log_tells_address_model_engine_and_why(tiny_store_path: Path) -> None:
    arguments = ["--model-store", str(tiny_store_path), "--model", "pets:1", "--threads", "1"]
    with ServerProcess(*arguments, environment={"SEGSERVE_DRAIN_SECONDS": "0"}) as server:
        assert server.wait_for("listening")["message"] == f"listening on {server.url}, loading pets:1"
        loaded = server.wait_for("model loaded")
        assert loaded.items() >= {"model": "pets/1", "device": "cpu", "precision": "float32", "threads": 1}.items()
        assert loaded["message"].removeprefix("model loaded: ")
        card = httpx.get(f"{server.url}/model").json()
        assert card["engine"]["reason"] == loaded["message"].removeprefix("model loaded: ")
        assert card["engine"]["threads"] == 1
        server.terminate()
        assert server.exit_code() == 0


def begin_upload(connection: socket.socket, photograph: bytes) -> None:
    connection.sendall(b"POST /segment HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(photograph))
    connection.sendall(photograph[:500])


def wait_until_begun(server: ServerProcess) -> None:
    """Returns when the server works on another request beside the one that asks: a connection alone may be idle."""
    with httpx.Client(base_url=server.url, timeout=60) as client:
        while "segserve_requests_in_flight 2.0" not in client.get("/metrics").text:
            pass


def test_after_sigterm_it_is_not_ready_but_answers_on(tiny_store_path: Path, photograph: bytes) -> None:
    environment = {"SEGSERVE_DRAIN_SECONDS": "600", "SEGSERVE_MODEL_STORE": str(tiny_store_path)}
    with ServerProcess(environment=environment) as server:
        server.wait_for("model loaded")
        with server.connect() as slow, httpx.Client(base_url=server.url, timeout=60) as client:
            begin_upload(slow, photograph)
            server.terminate()
            server.wait_for("draining")
            ready = client.get("/health/ready")
            assert (ready.status_code, ready.json()["detail"]) == (503, "the service is going down")
            assert client.get("/health/live").status_code == 200
            new = client.post("/segment", content=photograph)  # the gateway has not noticed yet
            assert (new.status_code, new.headers["connection"]) == (200, "close")
            slow.sendall(photograph[500:])
            status, headers, body = read_answer(slow)
            assert (status, headers["connection"], body) == (200, "close", new.content)
        server.terminate()  # a second signal ends the waiting
        assert server.exit_code() == 0


def test_after_the_drain_work_in_flight_is_finished(tiny_store_path: Path, photograph: bytes) -> None:
    environment = {"SEGSERVE_DRAIN_SECONDS": "0.1", "SEGSERVE_MODEL_STORE": str(tiny_store_path)}
    with ServerProcess(environment=environment) as server:
        server.wait_for("model loaded")
        with server.connect() as slow:
            begin_upload(slow, photograph)
            wait_until_begun(server)
            server.terminate()
            while server.listens():
                pass
            slow.sendall(photograph[500:])
            status, headers, _ = read_answer(slow)
            assert (status, headers["connection"]) == (200, "close")
        assert server.exit_code() == 0


def test_work_that_does_not_end_is_cut_off(tiny_store_path: Path) -> None:
    environment = {"SEGSERVE_DRAIN_SECONDS": "0", "SEGSERVE_SHUTDOWN_SECONDS": "1"}
    with ServerProcess("--model-store", str(tiny_store_path), environment=environment) as server:
        server.wait_for("model loaded")
        with server.connect() as endless:
            endless.sendall(b"POST /segment HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nstart")
            server.terminate()
            assert server.exit_code() == 0


def test_a_damaged_version_ends_the_process_with_code_3(tiny_store_path: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_store_path, tmp_path / "store")
    card = tmp_path / "store" / "pets" / "1" / "MODEL_CARD.md"
    card.chmod(0o644)
    card.write_text(card.read_text().replace("Tiny", "Evil"))
    with ServerProcess("--model-store", str(tmp_path / "store")) as server:
        assert server.exit_code() == 3
        failed = [json.loads(line) for line in server.lines if '"level": "error"' in line]
        assert "MODEL_CARD.md" in json.dumps(failed)


def test_a_wrong_configuration_ends_it_before_it_listens(tiny_store_path: Path) -> None:
    with ServerProcess("--model", "dogs", environment={"SEGSERVE_MODEL_STORE": str(tiny_store_path)}) as server:
        assert server.exit_code() == 2
        assert len(server.lines) == 1
        assert server.lines[0].startswith("segserve: ")
        assert "no model 'dogs'" in server.lines[0]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="OpenVINO is not installed")
def test_serving_with_openvino_loads_no_tensorflow(tiny_store_path: Path, photograph: bytes) -> None:
    arguments = ["--model-store", str(tiny_store_path), "--engine", "openvino"]
    with ServerProcess(*arguments, environment={"SEGSERVE_DRAIN_SECONDS": "0"}) as server:
        server.wait_for("model loaded")
        assert httpx.post(f"{server.url}/segment", content=photograph).status_code == 200
        mapped = Path(f"/proc/{server.process.pid}/maps").read_text()
        assert "openvino" in mapped
        assert "-packages/tensorflow/" not in mapped  # OpenVINO has a folder of that name, too
        server.terminate()
        assert server.exit_code() == 0
