from collections.abc import AsyncIterator

import pytest

from app.core.settings import Settings
from tests.api.running import Service, running
from tests.fixtures.api_keys import WITH_KEY, written

pytestmark = pytest.mark.anyio

ORIGIN = "https://app.example.com"
FROM_THERE = {"Origin": ORIGIN}
ASKING = {**FROM_THERE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


@pytest.fixture(scope="module")
async def crossed(settings: Settings, anyio_backend: str) -> AsyncIterator[Service]:
    """A service with keys that pages of two origins may call."""
    given = {"cors_origins": f"{ORIGIN},http://localhost:5173", "api_keys": written("segment"), "max_queue": 1}
    async with running(settings.model_copy(update=given)) as service:
        yield service


async def test_without_the_setting_nothing_is_said(service: Service) -> None:
    response = await service.http.get("/model", headers=FROM_THERE)
    assert not [name for name in response.headers if name.startswith("access-control")]
    service.problem(await service.http.options("/segment", headers=ASKING), 405, "method_not_allowed")


@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost:5173"])
@pytest.mark.parametrize("header", ["authorization", "x-api-key,content-type", "x-request-id,x-request-timeout"])
async def test_browsers_may_ask_without_a_key(crossed: Service, origin: str, header: str) -> None:
    asking = {**ASKING, "Origin": origin, "Access-Control-Request-Headers": header}
    response = await crossed.http.options("/segment", headers=asking)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == origin
    assert "access-control-allow-credentials" not in response.headers
    assert response.headers["x-request-id"]


@pytest.mark.parametrize(
    "asked",
    [
        {"Origin": "https://evil.example.com"},
        {"Origin": ORIGIN + ".evil.com"},
        {"Origin": "null"},
        {"Access-Control-Request-Method": "DELETE"},
        {"Access-Control-Request-Headers": "x-other"},
    ],
)
async def test_what_is_not_allowed_is_a_problem(crossed: Service, asked: dict[str, str]) -> None:
    response = await crossed.http.options("/segment", headers={**ASKING, **asked})
    crossed.problem(response, 403, "forbidden")
    assert "Origin" in response.headers["vary"]


async def test_answers_can_be_read_with_their_headers(crossed: Service, picture: bytes) -> None:
    response = await crossed.http.post("/segment", content=picture, headers={**FROM_THERE, **WITH_KEY})
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == ORIGIN
    shown = response.headers["access-control-expose-headers"].split(", ")
    assert shown == [
        *("X-Request-ID", "Segserve-Model", "Segserve-Lossy", "Server-Timing", "Retry-After", "traceresponse"),
        "Inference-Header-Content-Length",
    ]
    other = await crossed.http.get("/health/live", headers={"Origin": "https://evil.example.com"})
    assert "access-control-allow-origin" not in other.headers


async def test_errors_can_be_read_too(crossed: Service) -> None:
    def readable(origin: str | None) -> bool:
        return origin == ORIGIN

    async def unforeseen() -> None:
        raise RuntimeError

    crossed.app.add_api_route("/unforeseen", unforeseen, include_in_schema=False)
    for path, status, code in [
        ("/model", 401, "unauthorized"),
        ("/nothing", 404, "not_found"),
        ("/unforeseen", 500, "internal_error"),
    ]:
        response = await crossed.http.get(path, headers=FROM_THERE)
        crossed.problem(response, status, code)
        assert readable(response.headers.get("access-control-allow-origin"))
    with crossed.state.admission.slot():
        response = await crossed.http.post("/segment", headers=FROM_THERE)
        crossed.problem(response, 503, "overloaded")
        assert readable(response.headers.get("access-control-allow-origin"))


async def test_all_origins(settings: Settings) -> None:
    async with running(settings.model_copy(update={"cors_origins": "*"}), loaded=False) as service:
        assert (await service.http.options("/segment", headers=ASKING)).headers["access-control-allow-origin"] == "*"
        assert (await service.http.get("/health/live", headers=FROM_THERE)).headers[
            "access-control-allow-origin"
        ] == "*"
