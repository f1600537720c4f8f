"""Fetches a picture that a request names by its URL."""

import asyncio
import ssl
from functools import cached_property
from urllib.parse import unquote

import httpcore
import httpx

from app.api.body import Upload
from app.api.fetching.addresses import networks_of
from app.api.fetching.hosts import allowed_url, hosts_of, origin
from app.api.fetching.network import CheckedNetwork, Resolver
from app.core.errors import (
    ConfigurationError,
    ImageTooLargeError,
    InvalidParameterError,
    PictureNotFetchedError,
    UrlNotAllowedError,
)
from app.core.settings import Settings

MOST_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
OFF = "pictures by reference are off here: send the picture itself, or have the operator list hosts in url_hosts"
FAILURES = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, httpcore.UnsupportedProtocol)


class Fetcher:
    """Fetches pictures, each over a connection of its own: no proxy, no cookie, nothing of the request that asks.

    Args:
        settings: hosts, networks, size and time.
        network: opens connections; None: of the system, with every address checked.

    Raises:
        ConfigurationError: a host or network of the settings is none.
    """

    def __init__(self, settings: Settings, network: httpcore.AsyncNetworkBackend | None = None) -> None:
        try:
            self._hosts, networks = hosts_of(settings.url_hosts), networks_of(settings.url_networks)
        except ValueError as error:
            raise ConfigurationError(f"url_hosts, url_networks: {error}") from error
        self._max_bytes = settings.max_bytes
        self._seconds = settings.url_timeout_seconds
        self._network = network or CheckedNetwork(networks, Resolver())

    @property
    def on(self) -> bool:
        """Whether any host is listed."""
        return bool(self._hosts)

    def allowed(self, url: str, parameter: str = "url") -> httpx.URL:
        """A URL that may be fetched, before its address is known.

        Raises:
            UrlNotAllowedError: fetching is off, or its host is not listed.
            InvalidParameterError: it is none, or not of a kind that is fetched.
        """
        if not self.on:
            raise UrlNotAllowedError(OFF)
        return allowed_url(url, self._hosts, parameter)

    async def fetch(self, url: httpx.URL, authorization: str | None = None) -> Upload:
        """The picture at a URL.

        Args:
            url: an allowed one.
            authorization: header for the origin of that URL alone; a redirect to another does not get it.

        Raises:
            UrlNotAllowedError: an address that is not public, or a redirect to where nothing may be fetched.
            ImageTooLargeError: more bytes than allowed, declared or counted.
            PictureNotFetchedError: it did not come, not in time, or not as it is.
        """
        host = url.netloc.decode("ascii")
        try:
            async with asyncio.timeout(self._seconds):
                return Upload(await self._follow(url, authorization), _filename(url))
        except TimeoutError as error:
            raise PictureNotFetchedError(f"{host} took more than {self._seconds:g} seconds") from error
        except FAILURES as error:
            kind = type(error).__name__
            raise PictureNotFetchedError(f"{host} cannot be reached, or breaks off ({kind})") from error

    async def _follow(self, url: httpx.URL, authorization: str | None) -> bytes:
        first = origin(url)
        for _ in range(MOST_REDIRECTS + 1):
            found = await self._get(url, authorization if origin(url) == first else None)
            if isinstance(found, bytes):
                return found
            url = self._redirected(url, found)
        raise PictureNotFetchedError(f"more than {MOST_REDIRECTS} redirects")

    def _redirected(self, url: httpx.URL, location: str) -> httpx.URL:
        try:
            to = self.allowed(str(url.join(location)))
        except (InvalidParameterError, httpx.InvalidURL) as error:
            raise PictureNotFetchedError("it redirects to what is no URL that is fetched") from error
        if url.scheme == "https" and to.scheme == "http":
            raise PictureNotFetchedError("it redirects from https to http")
        return to

    async def _get(self, url: httpx.URL, authorization: str | None) -> bytes | str:
        """A picture, or where to ask instead."""
        host = url.netloc.decode("ascii")
        headers = [("Host", host), ("Accept", "image/*,*/*;q=0.5"), ("Accept-Encoding", "identity")]
        headers += [("User-Agent", "segserve"), ("Connection", "close")]
        if authorization is not None:
            headers.append(("Authorization", authorization))
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        async with (
            httpcore.AsyncConnectionPool(ssl_context=self._tls, network_backend=self._network) as pool,
            pool.stream("GET", target, headers=headers) as response,
        ):
            given = httpx.Headers(response.headers)
            if response.status in REDIRECTS and "location" in given:
                return given["location"]
            if response.status != httpx.codes.OK:
                raise PictureNotFetchedError(f"{host} answered with status {response.status}")
            if given.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
                raise PictureNotFetchedError(f"{host} sends it compressed, which was not asked for")
            return await self._counted(response, given.get("content-length", ""))

    async def _counted(self, response: httpcore.Response, declared: str) -> bytes:
        too_large = ImageTooLargeError(f"the picture has more than {self._max_bytes} bytes, which is the limit")
        if declared.isdecimal() and int(declared[:20]) > self._max_bytes:
            raise too_large
        data = bytearray()
        async for chunk in response.aiter_stream():
            data += chunk
            if len(data) > self._max_bytes:
                raise too_large
        return bytes(data)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Checks certificates; made when first needed, since it reads all authorities."""
        return httpx.create_ssl_context()


def _filename(url: httpx.URL) -> str | None:
    """The last part of its path: what the client would call the file."""
    return unquote(url.path.rpartition("/")[2])[:255] or None
