"""Which URLs may be fetched: the list of hosts, and the one place that reads a URL."""

import re
from dataclasses import dataclass

import httpx

from app.core.errors import InvalidParameterError, UrlNotAllowedError

PORTS = {"http": 80, "https": 443}
LONGEST_HOST = 253
LONGEST_URL = 8000
"""Characters; signed URLs of object stores have two thousand."""

_ENTRY = re.compile(r"(?P<any>\*\.)?(?P<host>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::(?P<port>\d{1,5}))?")


@dataclass(frozen=True)
class Host:
    """An entry of the list.

    Args:
        name: of the host, lower case.
        below: whether it stands for all hosts below that name, and not for itself.
        port: the only port; None: the scheme's own.
    """

    name: str
    below: bool = False
    port: int | None = None

    def matches(self, url: httpx.URL) -> bool:
        """Whether it lists the host and port of a URL."""
        host = url.raw_host.decode("ascii")
        named = host.endswith(f".{self.name}") if self.below else host == self.name
        return named and (url.port or PORTS[url.scheme]) == (self.port or PORTS[url.scheme])


def hosts_of(text: str) -> tuple[Host, ...]:
    """Hosts written with commas between them: `example.org`, `*.example.org`, `images.lan:8080`, `[fd00::1]`.

    Raises:
        ValueError: one of them is none.
    """
    return tuple(_host(item.strip()) for item in text.split(",") if item.strip())


def _host(item: str) -> Host:
    entry = _ENTRY.fullmatch(item)
    if entry is None or (entry["port"] and not 0 < int(entry["port"]) < 65536):
        raise ValueError(f"{item!r} is no host: example.org, *.example.org or example.org:8080, in lower case")
    return Host(entry["host"].strip("[]"), entry["any"] is not None, int(entry["port"]) if entry["port"] else None)


def allowed_url(text: str, hosts: tuple[Host, ...], parameter: str = "url") -> httpx.URL:
    """A URL that may be fetched, as far as can be told without asking for its host's address.

    Args:
        text: as a client wrote it, or a host that redirects.
        hosts: that are listed.
        parameter: what to call it where it is wrong.

    Raises:
        InvalidParameterError: not a URL, of another scheme, or with a password in it.
        UrlNotAllowedError: its host is not listed.
    """
    try:
        url = httpx.URL(text) if len(text) <= LONGEST_URL else None
    except (httpx.InvalidURL, UnicodeError):
        url = None
    if url is None or url.scheme not in PORTS or not 0 < len(url.raw_host) <= LONGEST_HOST:
        raise InvalidParameterError(parameter, f"a whole URL with http or https, of at most {LONGEST_URL} characters")
    if url.userinfo:
        raise InvalidParameterError(parameter, "a URL with a name or password in it is not fetched")
    if not any(host.matches(url) for host in hosts):
        name = url.netloc.decode("ascii")
        raise UrlNotAllowedError(f"{name} is not among the hosts that pictures may be fetched from here (url_hosts)")
    return url


def origin(url: httpx.URL) -> tuple[str, bytes, int]:
    """Scheme, host and port: what a credential is for."""
    return url.scheme, url.raw_host, url.port or PORTS[url.scheme]
