import asyncio
import inspect
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.datastructures import Headers
from starlette.types import Message, Scope

from app.api.keyring import Keyring
from app.api.keys import given_key, key_needed
from app.core.errors import UnauthorizedError
from app.core.settings import Settings
from tests.api.running import Service, running
from tests.api.test_access import access_records
from tests.fixtures.api_keys import KEY, WITH_KEY, written

pytestmark = pytest.mark.anyio

KEYS = "".join(
    [
        written("segment", "metrics"),
        written("metrics", key="scraper", name="scraper"),
        written("segment", key="slow", name="slow", requests_per_second=0.001, burst=2),
        written("segment", key="small", name="small", pixels_per_second=24),
    ]
)


@pytest.fixture(scope="module")
async def guarded(settings: Settings, anyio_backend: str) -> AsyncIterator[Service]:
    """A service with keys; its client sends none."""
    async with running(settings.model_copy(update={"api_keys": KEYS})) as service:
        yield service


def headers(*given: tuple[str, bytes]) -> Headers:
    return Headers(raw=[(name.encode(), value) for name, value in given])


@pytest.mark.parametrize(
    "given",
    [
        [("authorization", b"Bearer key")],
        [("authorization", b"bearer   key ")],
        [("x-api-key", b"key")],
        [("x-api-key", b"key"), ("authorization", b"Bearer key")],
        [("x-api-key", b"key"), ("authorization", b"Basic dXNlcjpwYXNz")],
        [("x-api-key", b"key"), ("x-api-key", b"key")],
    ],
)
async def test_a_key_comes_in_either_header(given: list[tuple[str, bytes]]) -> None:
    assert given_key(headers(*given)) == b"key"


@pytest.mark.parametrize(
    "given",
    [
        [("authorization", b"Basic dXNlcjprZXk=")],  # user:key
        [("authorization", b"basic  OmtleQ== ")],  # :key
        [("x-api-key", b"key"), ("authorization", b"Basic dXNlcjprZXk=")],
        [("authorization", b"Bearer key")],
    ],
)
async def test_a_key_may_be_a_password_where_clients_know_no_other_way(given: list[tuple[str, bytes]]) -> None:
    assert given_key(headers(*given), basic=True) == b"key"


async def test_a_password_is_read_to_its_end_and_no_further() -> None:
    assert given_key(headers(("authorization", b"Basic dTphOmI=")), basic=True) == b"a:b"
    for wrong in (b"Basic", b"Basic %", b"Basic dQ==", b"Basic dTo="):  # none, no base64, no colon, nothing behind it
        assert given_key(headers(("authorization", wrong)), basic=True) == b""
    with pytest.raises(UnauthorizedError):
        given_key(headers(("x-api-key", b"other"), ("authorization", b"Basic dXNlcjprZXk=")), basic=True)


async def test_a_key_is_the_bytes_that_were_sent() -> None:
    every = bytes(byte for byte in range(256) if byte not in b"\r\n\0")
    assert given_key(headers(("x-api-key", every))) == every


@pytest.mark.parametrize(
    "given",
    [
        [],
        [("authorization", b"Basic dXNlcjpwYXNz")],
        [("authorization", b"key")],
        [("x-api-key", b"key"), ("authorization", b"Bearer other")],
        [("x-api-key", b"key"), ("x-api-key", b"other")],
        [("authorization", b"Bearer key"), ("authorization", b"Bearer other")],
        [("x-api-key", b""), ("authorization", b"Bearer key")],
    ],
)
async def test_none_and_different_ones_are_refused(given: list[tuple[str, bytes]]) -> None:
    with pytest.raises(UnauthorizedError):
        given_key(headers(*given))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"X-API-Key": "wrong"},
        {"X-API-Key": ""},
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": KEY},
        {"X-API-Key": "clé"},
        {"X-API-Key": b"\xff\xfe\x80"},
        {"Authorization": b"Bearer \xf0\x9f\x94\x91"},
        {"X-API-Key": "x" * 60_000},
        {"Authorization": f"Bearer {KEY}", "X-API-Key": "scraper"},
    ],
)
async def test_without_a_known_key_nothing_opens(guarded: Service, given: dict[str, Any]) -> None:
    for method, path in [("POST", "/segment"), ("GET", "/model"), ("GET", "/metrics"), ("POST", "/models/pets/1/load")]:
        encoded = [
            (name.encode(), value.encode() if isinstance(value, str) else value) for name, value in given.items()
        ]
        response = await guarded.http.request(method, path, headers=encoded)
        guarded.problem(response, 401, "unauthorized")
        assert response.headers["www-authenticate"] == "Bearer"


async def test_either_header_opens(guarded: Service, picture: bytes) -> None:
    for given in (WITH_KEY, {"X-API-Key": KEY}, {**WITH_KEY, "X-API-Key": KEY}):
        assert (await guarded.http.post("/segment", content=picture, headers=given)).status_code == 200


async def test_a_key_for_something_else_is_forbidden(guarded: Service, picture: bytes) -> None:
    scraper = {"X-API-Key": "scraper"}
    body = guarded.problem(await guarded.http.post("/segment", content=picture, headers=scraper), 403, "forbidden")
    assert body["detail"] == "this takes a key for segment; yours is for metrics"
    assert (await guarded.http.get("/metrics", headers=scraper)).status_code == 200
    response = await guarded.http.post("/models/pets/1/load", headers=WITH_KEY)
    guarded.problem(response, 403, "forbidden")


async def test_head_needs_the_key_of_get_and_a_wrong_method_none(guarded: Service) -> None:
    response = await guarded.http.head("/model")
    assert (response.status_code, response.content) == (401, b"")
    response = await guarded.http.head("/model", headers=WITH_KEY)
    assert (response.status_code, response.content) == (200, b"")
    for method, path in [("OPTIONS", "/segment"), ("GET", "/segment"), ("DELETE", "/model")]:
        guarded.problem(await guarded.http.request(method, path), 405, "method_not_allowed")


async def test_parameters_come_after_the_key(guarded: Service) -> None:
    for query in ("?output=png", "?output=mask&output=mask", "?model=none", "?timeout=0"):
        guarded.problem(await guarded.http.post(f"/segment{query}"), 401, "unauthorized")
        guarded.problem(await guarded.http.post(f"/segment{query}", headers={"X-API-Key": "scraper"}), 403, "forbidden")


@pytest.mark.parametrize(
    ("key", "status"), [(b"", 401), (b"wrong", 401), (b"scraper", 403), (b"slow", 429), (b"small", 429)]
)
async def test_nothing_of_a_refused_request_is_read_and_it_takes_no_place(
    settings: Settings, picture: bytes, key: bytes, status: int
) -> None:
    async with running(settings.model_copy(update={"api_keys": KEYS})) as service:
        for _ in range(2):
            await service.http.post("/segment", content=picture, headers={"X-API-Key": "slow"})
            await service.http.post("/segment", content=large(), headers={"X-API-Key": "small"})
        places = service.state.admission._seconds.copy()
        sent: list[Message] = []

        async def receive() -> Message:
            raise AssertionError("the body was read")

        async def send(message: Message) -> None:
            sent.append(message)

        scope: Scope = {
            **{"type": "http", "http_version": "1.1", "method": "POST", "path": "/segment", "query_string": b""},
            "headers": [(b"x-api-key", key), (b"content-length", b"99")],
            "state": {"service": service.state},
        }
        await service.app(scope, receive, send)
        assert sent[0]["status"] == status
        assert service.state.admission._seconds == places


def large() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (100, 100)).save(file, "PNG")
    return file.getvalue()


async def test_no_check_goes_through_a_thread() -> None:
    for dependency in key_needed(Keyring(KEYS, None), "segment"):
        check = dependency.dependency
        assert inspect.iscoroutinefunction(check) or inspect.iscoroutinefunction(type(check).__call__)


async def test_requests_are_limited(settings: Settings, picture: bytes) -> None:
    async with running(settings.model_copy(update={"api_keys": KEYS})) as service:
        service.http.headers["X-API-Key"] = "slow"
        answers = await asyncio.gather(*(service.http.post("/segment", content=picture) for _ in range(20)))
        assert sorted(answer.status_code for answer in answers) == [200, 200, *[429] * 18]
        response = await service.http.get("/model")
        body = service.problem(response, 429, "too_many_requests")
        seconds = int(response.headers["retry-after"])
        assert 900 < seconds <= 1000
        assert body["detail"] == f"this key may use 0.001 requests a second; try again in {seconds} s"
        assert (await service.http.get("/model", headers={"X-API-Key": "small"})).status_code == 200


async def test_pixels_are_limited_once_the_header_was_read(settings: Settings, picture: bytes) -> None:
    async with running(settings.model_copy(update={"api_keys": KEYS})) as service:
        service.http.headers["X-API-Key"] = "small"
        service.problem(await service.http.post("/segment", content=b"no picture"), 400, "invalid_image")
        assert (await service.http.post("/segment", content=large())).status_code == 200  # 10,000 of 24: lent
        response = await service.http.post("/segment", content=picture)
        service.problem(response, 429, "too_many_requests")
        assert 300 < int(response.headers["retry-after"]) <= 416
        assert (await service.http.get("/model")).status_code == 200


async def test_each_of_many_pictures_is_counted(settings: Settings) -> None:
    async with running(settings.model_copy(update={"api_keys": KEYS})) as service:
        files = [("file", (f"{number}.png", large())) for number in range(6)]
        response = await service.http.post("/segment", files=files, headers={"X-API-Key": "small"})
        statuses = [json.loads(line)["status"] for line in response.content.splitlines()]
        assert sorted(statuses) == [200, *[429] * 5]


async def test_the_log_has_the_name_of_the_key_and_never_the_key(
    guarded: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    await guarded.http.get("/model", headers=WITH_KEY)
    await guarded.http.get("/model", headers={"X-API-Key": "scraper"})
    await guarded.http.get("/model", headers={"X-API-Key": "a-wrong-key"})
    assert [record.get("key") for record in access_records(caplog)] == ["tests", "scraper", None]
    ours = [record for record in caplog.records if record.name.startswith("app")]
    assert not [record for record in ours if KEY in str(vars(record)) or "a-wrong-key" in str(vars(record))]


async def test_a_key_that_is_taken_out_of_the_file_opens_nothing_any_more(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.keyring.LOOK_SECONDS", 0.0)
    path = tmp_path / "keys.toml"
    path.write_text(KEYS)
    async with running(settings.model_copy(update={"api_keys_file": path})) as service:

        async def statuses() -> list[int]:
            given: list[dict[str, str]] = [{}, WITH_KEY, {"X-API-Key": "new"}]
            return [(await service.http.get("/model", headers=each)).status_code for each in given]

        assert await statuses() == [401, 200, 401]
        path.write_text(written("segment", key="new", name="new"))
        assert await statuses() == [401, 401, 200]
        path.write_text("[")
        assert await statuses() == [401, 401, 200]
        path.unlink()
        assert await statuses() == [401, 401, 200]


async def test_openapi_has_the_schemes_and_the_refusals(guarded: Service, service: Service) -> None:
    description = guarded.app.openapi()
    schemes = description["components"]["securitySchemes"]
    assert (schemes["bearer"]["type"], schemes["bearer"]["scheme"]) == ("http", "bearer")
    assert (schemes["header"]["in"], schemes["header"]["name"]) == ("header", "X-API-Key")
    for path, item in description["paths"].items():
        for operation in item.values():
            closed = not path.startswith(("/health/", "/v2/health/")) and path != "/v2"
            assert operation.get("security") == ([{"bearer": []}, {"header": []}] if closed else None)
            assert ({"401", "403", "429"} <= operation["responses"].keys()) == closed
    assert "inference_failed" in json.dumps(description["paths"]["/segment"]["post"]["responses"]["500"])
    assert "Retry-After" in description["paths"]["/segment"]["post"]["responses"]["429"]["headers"]
    assert "X-API-Key" in (await guarded.http.get("/docs")).text
    unguarded = service.app.openapi()
    assert "securitySchemes" not in unguarded["components"]
    assert not {"401", "403", "429"} & unguarded["paths"]["/segment"]["post"]["responses"].keys()


async def test_requests_are_counted_by_the_name_of_their_key(settings: Settings) -> None:
    keys = written("segment", "metrics") + written("metrics", key="scraper", name="scraper")
    async with running(settings.model_copy(update={"api_keys": keys})) as service:
        for key in ("scraper", "scraper", "unknown"):
            await service.http.get("/model", headers={"X-API-Key": key})
        await service.http.get("/model", headers=WITH_KEY)
        text = (await service.http.get("/metrics", headers=WITH_KEY)).text
    counted = {line for line in text.splitlines() if line.startswith("segserve_key_requests_total{")}
    assert counted == {
        'segserve_key_requests_total{key="scraper",status="403"} 2.0',
        'segserve_key_requests_total{key="tests",status="200"} 1.0',
    }
