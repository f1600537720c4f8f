import json

import pytest
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from app.api.access import AccessRecord
from app.api.errors import error_response
from app.api.oip.errors import ErrorBodyMiddleware, error_answers, not_ready_response
from app.core.errors import ModelNotReadyError, OverloadedError
from app.core.settings import Settings
from tests.api.running import Service, running
from tests.fixtures.api_keys import WITH_KEY, written

pytestmark = pytest.mark.anyio


async def translated(response: Response, path: str, root_path: str = "") -> tuple[Message, bytes]:
    """What a client gets of an answer to that path."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await response(scope, receive, send)

    state = {"record": AccessRecord("id", "POST")}
    scope = {"type": "http", "method": "POST", "path": path, "root_path": root_path, "headers": [], "state": state}
    await ErrorBodyMiddleware(application)(scope, receive, send)
    start, *bodies = sent
    return start, b"".join(message.get("body", b"") for message in bodies)


@pytest.mark.parametrize(
    ("path", "root_path"), [("/v2", ""), ("/v2/x", ""), ("/v2/x/", ""), ("/pets/v2/x", "/pets"), ("/v2/x", "/pets")]
)
async def test_problems_become_the_protocols_errors(path: str, root_path: str) -> None:
    start, body = await translated(error_response(OverloadedError("full", 7)), path, root_path)
    assert json.loads(body) == {"error": "full"}
    headers = dict(start["headers"])
    assert start["status"] == 503
    assert headers[b"retry-after"] == b"7"
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"content-length"] == str(len(body)).encode()


@pytest.mark.parametrize("path", ["/segment", "/v2x", "/v20/models", "/", "/x/v2"])
async def test_elsewhere_a_problem_is_a_problem(path: str) -> None:
    _, body = await translated(error_response(OverloadedError("full")), path)
    assert json.loads(body)["code"] == "overloaded"


async def test_what_is_no_problem_passes() -> None:
    _, body = await translated(Response(b"{}", 404, media_type="application/json"), "/v2/x")
    assert body == b"{}"


def test_not_ready() -> None:
    record = AccessRecord("id", "GET")
    response = not_ready_response(ModelNotReadyError("it loads"), record, ready=False)
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert json.loads(bytes(response.body)) == {"ready": False, "error": "it loads"}
    assert record.problems == ["model_not_ready"]


def test_answers_in_openapi() -> None:
    answers = error_answers(OverloadedError)
    assert answers.keys() == {500, 503}
    examples = answers[503]["content"]["application/json"]["examples"]
    assert examples["overloaded"]["value"].keys() == {"error"}
    assert answers[503]["headers"].keys() == {"Retry-After"}


async def test_wherever_a_request_is_refused(service: Service) -> None:
    for method, path, status, code in (
        ("GET", "/v2/nothing", 404, "not_found"),
        ("GET", "/v2/", 404, "not_found"),
        ("POST", "/v2", 405, "method_not_allowed"),
        ("GET", "/v2/models/pets/infer", 405, "method_not_allowed"),
        ("BREW", "/v2/health/live", 405, "method_not_allowed"),
        ("POST", "/v2/repository/models/pets/load", 404, "not_found"),
        ("GET", f"/v2/models/{'x' * 201}", 422, "invalid_parameter"),
    ):
        response = await service.http.request(method, path)
        service.refusal(response, status, code)
        assert ("allow" in response.headers) == (status == 405)


async def test_keys_and_what_nobody_foresaw(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = written("metrics") + written("segment", key="slow", name="slow", requests_per_second=0.001, burst=1)
    async with running(settings.model_copy(update={"api_keys": keys, "cors_origins": "https://a.test"})) as service:
        response = await service.http.get("/v2/models/pets")
        service.refusal(response, 401, "unauthorized")
        assert response.headers["www-authenticate"] == "Bearer"
        service.refusal(await service.http.get("/v2/models/pets", headers=WITH_KEY), 403, "forbidden")
        slow = {"X-API-Key": "slow"}
        assert (await service.http.get("/v2/models/pets", headers=slow)).status_code == 200
        response = await service.http.get("/v2/models/pets", headers=slow)
        service.refusal(response, 429, "too_many_requests")
        assert int(response.headers["retry-after"]) > 1
        preflight = {"Origin": "https://b.test", "Access-Control-Request-Method": "POST"}
        response = await service.http.options("/v2/models/pets/infer", headers=preflight)
        service.refusal(response, 403, "forbidden")

        def fails() -> None:
            raise RuntimeError("password=hunter2")

        monkeypatch.setattr(service.state, "require_ready", fails)
        assert "hunter2" not in service.refusal(await service.http.get("/v2/health/ready"), 500, "internal_error")
