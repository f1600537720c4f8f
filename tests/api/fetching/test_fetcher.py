import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.api.fetching.addresses import networks_of
from app.api.fetching.fetcher import Fetcher
from app.api.fetching.network import CheckedNetwork
from app.core.errors import (
    ConfigurationError,
    ImageTooLargeError,
    InvalidParameterError,
    PictureNotFetchedError,
    UrlNotAllowedError,
)
from app.core.settings import Settings
from tests.fixtures.picture_host import PictureHost, answer, picture_host, redirect

pytestmark = pytest.mark.anyio
LOCAL = "127.0.0.0/8"


@pytest.fixture
async def host() -> AsyncIterator[PictureHost]:
    async with picture_host(cat=answer(b"a cat")) as found:
        yield found


def fetcher(host: PictureHost, **settings: Any) -> Fetcher:
    """One that may fetch from that host."""
    given = {"url_hosts": host.netloc, "url_networks": LOCAL, "url_timeout_seconds": 5.0, **settings}
    return Fetcher(Settings(**given))


async def got(fetching: Fetcher, url: str, authorization: str | None = None) -> bytes:
    return (await fetching.fetch(fetching.allowed(url), authorization)).data


async def test_a_picture_comes_with_the_name_that_its_path_ends_in(host: PictureHost) -> None:
    host.answers["/a/k%C3%A4tzchen.jpg"] = answer(b"kitten")
    found = fetcher(host)
    upload = await found.fetch(found.allowed(host.url("/a/kätzchen.jpg?token=secret")))
    assert (upload.data, upload.filename) == (b"kitten", "kätzchen.jpg")
    assert host.requests[0].startswith("GET /a/k%C3%A4tzchen.jpg?token=secret HTTP/1.1\r\n")


async def test_the_request_tells_nothing(host: PictureHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert await got(fetcher(host), host.url("/cat")) == b"a cat"
    names = {line.partition(":")[0].lower() for line in host.requests[0].strip().splitlines()[1:]}
    assert names == {"host", "accept", "accept-encoding", "user-agent", "connection"}
    assert f"Host: {host.netloc}\r\n" in host.requests[0]


async def test_it_is_off_without_hosts(host: PictureHost) -> None:
    with pytest.raises(UrlNotAllowedError, match=r"off here.*url_hosts"):
        fetcher(host, url_hosts="").allowed(host.url("/cat"))


@pytest.mark.parametrize("setting", [{"url_hosts": "*"}, {"url_networks": "10.0.0.1/8"}])
def test_settings_that_are_none(setting: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="url_hosts, url_networks"):
        Fetcher(Settings(**setting))


async def test_listed_is_not_enough_where_the_address_is_not_public(host: PictureHost) -> None:
    with pytest.raises(UrlNotAllowedError, match="not public"):
        await got(fetcher(host, url_networks=""), host.url("/cat"))
    assert host.requests == []


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_redirects_are_followed(host: PictureHost, status: str) -> None:
    host.answers["/old"] = redirect("cat", status)
    host.answers["/older"] = redirect(host.url("/old"), status)
    assert await got(fetcher(host), host.url("/older")) == b"a cat"


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("http://evil.example/", UrlNotAllowedError),
        ("http://127.0.0.1/", UrlNotAllowedError),  # another port
        ("//169.254.169.254/latest/meta-data", UrlNotAllowedError),
        ("file:///etc/passwd", PictureNotFetchedError),
        ("http://user:password@evil.example/", PictureNotFetchedError),
        ("http://a:port/", PictureNotFetchedError),
        ("http://a\tb/", PictureNotFetchedError),
        ("/loop", PictureNotFetchedError),
    ],
)
async def test_redirects_that_are_not(host: PictureHost, location: str, error: type[Exception]) -> None:
    host.answers["/loop"] = redirect(location)
    with pytest.raises(error):
        await got(fetcher(host), host.url("/loop"))
    assert len(host.requests) == (6 if location == "/loop" else 1)


async def test_an_address_is_checked_at_each_hop(host: PictureHost) -> None:
    async def resolve(name: str, port: int) -> list[str]:
        return ["127.0.0.1"] if name == "good.example" else ["127.0.0.9"]

    names = f"good.example:{host.port},bad.example:{host.port}"
    network = CheckedNetwork(networks_of("127.0.0.1"), resolve)
    fetching = Fetcher(Settings(url_hosts=names), network)
    host.answers["/hop"] = redirect(f"http://bad.example:{host.port}/cat")
    assert await got(fetching, f"http://good.example:{host.port}/cat") == b"a cat"
    with pytest.raises(UrlNotAllowedError, match=r"bad\.example"):
        await got(fetching, f"http://good.example:{host.port}/hop")


async def test_a_credential_stays_with_its_origin(host: PictureHost) -> None:
    async with picture_host(cat=answer(b"another cat")) as other:
        host.answers["/near"] = redirect("/cat")
        host.answers["/far"] = redirect(other.url("/cat"))
        found = fetcher(host, url_hosts=f"{host.netloc},{other.netloc}")
        assert await got(found, host.url("/near"), "Token secret") == b"a cat"
        assert await got(found, host.url("/far"), "Token secret") == b"another cat"
        assert all("Authorization: Token secret" in request for request in host.requests)
        assert "secret" not in other.requests[0]


@pytest.mark.parametrize("declared", [{}, {"content_length": "2001"}, {"content_length": "9" * 15}])
async def test_bytes_are_counted(host: PictureHost, declared: dict[str, str]) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(answer(b"", "200 OK", **(declared or {"transfer_encoding": "chunked"})))
        while not declared:
            writer.write(b"64\r\n" + b"x" * 100 + b"\r\n")
            await writer.drain()

    host.answers["/large"] = endless
    with pytest.raises(ImageTooLargeError, match="2000 bytes"):
        await got(fetcher(host, max_bytes=2000), host.url("/large"))


async def test_time_is_counted_over_all(host: PictureHost) -> None:
    async def drop_by_drop(writer: asyncio.StreamWriter) -> None:
        writer.write(answer(content_length="1000"))
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    host.answers["/slow"] = drop_by_drop
    hurried = fetcher(host, url_timeout_seconds=0.2)
    assert hurried._tls  # reads all authorities when first needed, which may take as long
    with pytest.raises(PictureNotFetchedError, match=r"took more than 0\.2 seconds"):
        await got(hurried, host.url("/slow"))
    async with asyncio.timeout(30):
        await host.gone.wait()  # the connection is closed then


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (answer(status="404 Not Found"), "status 404"),
        (answer(status="500 Broken"), "status 500"),
        (answer(status="304 Not Modified"), "status 304"),
        (answer(status="302 Found"), "status 302"),  # without a Location
        (answer(gzip.compress(bytes(100_000), mtime=0), content_encoding="gzip"), "compressed"),
        (answer(b"half", content_length="8"), "cannot be reached, or breaks off"),
        (b"", "cannot be reached, or breaks off"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "cannot be reached, or breaks off"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: " + b"b" * 200_000, "cannot be reached, or breaks off"),
    ],
)
async def test_what_is_no_answer(host: PictureHost, given: bytes, message: str) -> None:
    host.answers["/odd"] = given
    with pytest.raises(PictureNotFetchedError, match=message) as caught:
        await got(fetcher(host), host.url("/odd?token=secret"))
    assert "secret" not in caught.value.detail


async def test_nobody_there(host: PictureHost) -> None:
    with pytest.raises(PictureNotFetchedError, match="cannot be reached"):
        await got(fetcher(host, url_hosts="127.0.0.1:9"), "http://127.0.0.1:9/")
    with pytest.raises(PictureNotFetchedError, match="cannot be reached"):  # no TLS there
        await got(fetcher(host), host.url("/cat").replace("http:", "https:"))


async def test_a_url_of_another_kind_names_its_parameter(host: PictureHost) -> None:
    with pytest.raises(InvalidParameterError, match="image"):
        fetcher(host).allowed("cat.jpg", "image")
