"""The shipped nginx configuration in a real nginx, before real services and misbehaving ones."""

from pathlib import Path

import httpx
import pytest

from app.api.errors import PROBLEM_TYPE, Problem
from app.core.settings import Settings
from tests.e2e.process import ServerProcess
from tests.fixtures.gateway import free_port, running_gateway
from tests.fixtures.replica import running_replica

PICTURE = b"a picture, for all that a gateway knows"


def problem(response: httpx.Response) -> Problem:
    assert response.headers["content-type"] == PROBLEM_TYPE
    body = Problem.model_validate_json(response.content, strict=True)
    assert body.status == response.status_code
    assert response.headers.get_list("x-request-id") == [body.request_id]
    return body


def test_a_picture_goes_through(server: ServerProcess, photograph: bytes, tmp_path: Path) -> None:
    headers = {"X-Request-ID": "from/outside"}
    with running_gateway(tmp_path, [server.port]) as gateway:
        for query in ("", "?output=json", "?output=cutout"):
            straight = httpx.post(f"{server.url}/segment{query}", content=photograph)
            through = httpx.post(f"{gateway.url}/segment{query}", content=photograph, headers=headers)
            assert straight.status_code == through.status_code == 200
            assert through.content == straight.content
            assert through.headers["segserve-model"] == straight.headers["segserve-model"]
            assert through.headers.get_list("cache-control") == ["no-store"]
            assert through.headers.get_list("x-request-id") == ["from/outside"]
            assert through.headers["server"] == "nginx"
        form = httpx.post(f"{gateway.url}/segment", files={"file": photograph})
        hostile = httpx.get(f"{gateway.url}/model", headers={"X-Request-ID": 'a"b'})
    assert form.status_code == 200
    assert len(hostile.headers["x-request-id"]) == 32
    logged = gateway.logged("from/outside")
    assert (logged["status"], logged["path"], logged["upstream"]) == (200, "/segment", f"127.0.0.1:{server.port}")


def test_errors_of_the_service_pass_unchanged(server: ServerProcess, tmp_path: Path) -> None:
    with running_gateway(tmp_path, [server.port]) as gateway:
        answer = httpx.post(f"{gateway.url}/segment", content=PICTURE)
        nowhere = httpx.get(f"{gateway.url}/nowhere")
        asked = httpx.options(f"{gateway.url}/models")  # as a browser does for a page of another origin
    assert (answer.status_code, problem(answer).code) == (400, "invalid_image")
    assert (nowhere.status_code, problem(nowhere).code) == (404, "not_found")
    assert (asked.status_code, problem(asked).code) == (405, "method_not_allowed")


def test_gateway_and_service_refuse_the_same_bodies(server: ServerProcess, tmp_path: Path) -> None:
    largest = bytes(Settings.model_fields["max_bytes"].default)
    with running_gateway(tmp_path, [server.port]) as gateway:
        let_through = httpx.post(f"{gateway.url}/segment", content=largest)
        refused = [httpx.post(f"{url}/segment", content=largest + b"x") for url in (gateway.url, server.url)]
    assert problem(let_through).code == "invalid_image"
    assert [answer.status_code for answer in refused] == [413, 413]
    by_gateway, by_service = (problem(answer).model_copy(update={"request_id": ""}) for answer in refused)
    assert by_gateway == by_service


def test_a_broken_replica_is_replaced_by_another(tmp_path: Path) -> None:
    with (
        running_replica(None) as broken,
        running_replica(200) as sound,
        running_gateway(tmp_path, [broken.server_port, sound.server_port]) as gateway,
    ):
        statuses = {httpx.post(f"{gateway.url}/segment", content=PICTURE).status_code for _ in range(4)}
    assert statuses == {200}
    assert broken.requests
    assert len(sound.requests) == 4


def test_only_what_segments_is_sent_twice(tmp_path: Path) -> None:
    with (
        running_replica(None) as first,
        running_replica(None) as second,
        running_gateway(tmp_path, [first.server_port, second.server_port]) as gateway,
    ):
        other = httpx.post(f"{gateway.url}/label-studio/setup", content=PICTURE)
        assert len(first.requests + second.requests) == 1
        infer = httpx.post(f"{gateway.url}/v2/models/pets/versions/3/infer", content=PICTURE)
        assert len(first.requests + second.requests) == 3
    assert problem(other).code == problem(infer).code == "bad_gateway"


def test_a_busy_replica_is_not_replaced(tmp_path: Path) -> None:
    with (
        running_replica(503) as busy,
        running_replica(503) as busy_too,
        running_gateway(tmp_path, [busy.server_port, busy_too.server_port]) as gateway,
    ):
        answer = httpx.post(f"{gateway.url}/segment", content=PICTURE)
    assert answer.status_code == 503
    assert len(busy.requests + busy_too.requests) == 1


def test_no_replica(tmp_path: Path) -> None:
    with running_gateway(tmp_path, [free_port()]) as gateway:
        answer = httpx.post(f"{gateway.url}/segment", content=PICTURE, headers={"X-Request-ID": "from/outside"})
    logged = gateway.logged("from/outside")
    assert problem(answer).code == "bad_gateway"
    assert answer.headers["x-request-id"] == "from/outside"
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["cache-control"] == "no-store"
    assert (logged["status"], logged["path"], logged["upstream_status"]) == (502, "/segment", "502")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/metrics", 404, "not_found"),
        ("POST", "/models/pets/activate", 403, "forbidden"),
        ("DELETE", "/models/pets", 403, "forbidden"),
        ("POST", "/v2/repository/models/pets/load", 403, "forbidden"),
        ("GET", f"/{'x' * 9000}", 414, "uri_too_long"),
    ],
)
def test_what_is_not_for_the_outside(tmp_path: Path, method: str, path: str, status: int, code: str) -> None:
    with running_replica(200) as replica, running_gateway(tmp_path, [replica.server_port]) as gateway:
        answer = httpx.request(method, f"{gateway.url}{path}", content=PICTURE)
    assert answer.status_code == status
    assert problem(answer).code == code
    assert not replica.requests


def test_too_large_headers(tmp_path: Path) -> None:
    with running_gateway(tmp_path, [free_port()]) as gateway:
        answer = httpx.get(gateway.url, headers={"X-Long": "x" * 9000})
    assert answer.status_code == 400
    assert problem(answer).code == "bad_request"


def test_a_client_has_its_share(tmp_path: Path) -> None:
    with (
        running_replica(200) as replica,
        running_gateway(tmp_path, [replica.server_port], {"rate=100r/s": "rate=1r/m"}) as gateway,
        httpx.Client(base_url=gateway.url) as client,
    ):
        answers = [client.post("/segment", content=PICTURE) for _ in range(202)]
    assert {answer.status_code for answer in answers[:201]} == {200}
    assert answers[201].status_code == 429
    assert problem(answers[201]).code == "too_many_requests"
    assert answers[201].headers["retry-after"] == "1"
