import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from app.core.settings import Settings
from tests.api.running import Service, running
from tests.fixtures.picture_host import PictureHost, answer, picture_host
from tests.fixtures.waiting import until

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def host(picture: bytes, anyio_backend: str) -> AsyncIterator[PictureHost]:
    async with picture_host(cat=answer(picture, content_type="text/html"), text=answer(b"no picture")) as found:
        yield found


@pytest.fixture(scope="module")
async def fetching(settings: Settings, host: PictureHost, anyio_backend: str) -> AsyncIterator[Service]:
    """A service that fetches from that host."""
    given = {"url_hosts": host.netloc, "url_networks": "127.0.0.0/8", "max_queue": 2}
    async with running(settings.model_copy(update=given)) as service:
        yield service


async def test_a_url_gives_the_same_as_its_picture(fetching: Service, host: PictureHost, picture: bytes) -> None:
    for options in ({}, {"output": "json"}, {"many": "zip"}):
        by_url = await fetching.http.post("/segment", params={"url": host.url("/cat"), **options})
        by_body = await fetching.http.post("/segment", params=options, content=picture)
        assert by_url.status_code == 200, by_url.text
        if "many" not in options:
            assert by_url.content == by_body.content
    text = (await fetching.http.get("/metrics")).text
    assert 'segserve_stage_seconds_count{stage="fetch"}' in text


@pytest.mark.parametrize("kind", ["body", "form"])
async def test_a_url_goes_without_a_body(fetching: Service, host: PictureHost, picture: bytes, kind: str) -> None:
    given = {"content": picture} if kind == "body" else {"files": {"file": picture}}
    response = await fetching.http.post("/segment", params={"url": host.url("/cat")}, **given)
    body = fetching.problem(response, 422, "invalid_parameter")
    assert body["parameter"] == "url"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("/text", 400, "invalid_image"), ("/none", 422, "picture_not_fetched")],
)
async def test_what_is_wrong_with_it(fetching: Service, host: PictureHost, path: str, status: int, code: str) -> None:
    fetching.problem(await fetching.http.post("/segment", params={"url": host.url(path)}), status, code)


async def test_other_hosts(fetching: Service) -> None:
    for url in ("http://127.0.0.1/", "http://169.254.169.254/latest/meta-data/", "https://example.org/cat.jpg"):
        fetching.problem(await fetching.http.post("/segment", params={"url": url}), 422, "url_not_allowed")
    for url in ("cat.jpg", "file:///etc/passwd", "http://u:p@127.0.0.1/"):
        fetching.problem(await fetching.http.post("/segment", params={"url": url}), 422, "invalid_parameter")


async def test_it_is_off_by_default(service: Service, host: PictureHost) -> None:
    response = await service.http.post("/segment", params={"url": host.url("/cat")})
    assert "url_hosts" in service.problem(response, 422, "url_not_allowed")["detail"]


async def test_the_query_of_a_url_stands_nowhere(
    fetching: Service, host: PictureHost, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("httpcore").setLevel(logging.WARNING)  # as `configure_logging` does
        for path in ("/cat", "/none", "/text"):
            await fetching.http.post("/segment", params={"url": host.url(path) + "?token=secret"})
    ours = [record.getMessage() + str(vars(record)) for record in caplog.records if record.name.startswith("app")]
    assert ours
    assert not [line for line in ours if "secret" in line]


async def test_a_deadline_ends_the_fetch_and_gives_its_place_back(fetching: Service, host: PictureHost) -> None:
    begun, end = asyncio.Event(), asyncio.Event()

    async def never(writer: asyncio.StreamWriter) -> None:
        begun.set()
        await end.wait()

    host.answers["/never"] = never
    response = await fetching.http.post("/segment", params={"url": host.url("/never"), "timeout": 0.2})
    fetching.problem(response, 504, "deadline_exceeded")
    assert begun.is_set()
    await until(lambda: fetching.state.admission.admitted == 0)
    end.set()
