"""Where a project's Label Studio is, and what it lets us fetch there."""

import re
from collections import OrderedDict
from dataclasses import dataclass

import httpx

from app.api.fetching.fetcher import Fetcher
from app.api.fetching.hosts import origin
from app.core.errors import InvalidParameterError
from app.core.settings import Settings

MOST_PROJECTS = 1000
"""Remembered; the least recently used one is forgotten first."""

_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
_JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*")


@dataclass(frozen=True)
class Connection:
    """What a project has said of its Label Studio, or the settings.

    Args:
        url: where it is; empty: unknown.
        token: of its API; None: there is none.
        schema: the labelling configuration.
    """

    url: str = ""
    token: str | None = None
    schema: str = ""

    def picture_url(self, text: str, fetcher: Fetcher, parameter: str) -> tuple[httpx.URL, str | None]:
        """A URL that a task names, if it may be fetched, and the header with the token if it is of Label Studio itself.

        Args:
            text: a whole URL, or a path of Label Studio, `/data/upload/1/cat.jpg`.
            fetcher: knows what may be fetched.
            parameter: what to call it where it is wrong.

        Raises:
            UrlNotAllowedError, InvalidParameterError: as `Fetcher.allowed`; or a path, and nobody knows of where.
        """
        if not text.startswith("/"):
            url = fetcher.allowed(text, parameter)
        elif not self.url:
            raise InvalidParameterError(parameter, "is a path of Label Studio, and no setup has said where that is")
        else:
            url = fetcher.allowed(f"{self.url.rstrip('/')}/{text.lstrip('/')}", parameter)
        return url, self._authorization(url, fetcher)

    def _authorization(self, url: httpx.URL, fetcher: Fetcher) -> str | None:
        if self.token is None or not self.url:
            return None
        if origin(url) != origin(httpx.URL(self.url)):
            return None
        return f"{'Bearer' if _JWT.fullmatch(self.token) else 'Token'} {self.token}"


class Connections:
    """What the projects have said at their setups; in memory alone.

    Args:
        settings: they go before what a project says.
    """

    def __init__(self, settings: Settings) -> None:
        self._url = settings.label_studio_url
        token = settings.label_studio_token
        self._token = None if token is None else token.get_secret_value()
        self._said: OrderedDict[tuple[str | None, str], Connection] = OrderedDict()

    def remember(self, key: str | None, project: str, url: str, token: str, schema: str) -> None:
        """Takes note of a setup.

        Args:
            key: name of the API key that it came with: nobody changes what is another's.
            project: its name there.
            url: where it says that it is; empty: it does not.
            token: likewise.
            schema: its labelling configuration.

        Raises:
            InvalidParameterError: a token that no header can carry, or no URL.
        """
        if token and not _TOKEN.fullmatch(token):
            raise InvalidParameterError("access_token", "is no token")
        try:
            known = not url or bool(httpx.URL(url).host)
        except (httpx.InvalidURL, UnicodeError):
            known = False
        if not known:
            raise InvalidParameterError("hostname", "is no URL")
        self._said[key, project] = Connection(url, token or None, schema)
        self._said.move_to_end((key, project))
        if len(self._said) > MOST_PROJECTS:
            self._said.popitem(last=False)

    def of(self, key: str | None, project: str) -> Connection:
        """What is known of a project."""
        said = self._said.get((key, project), Connection())
        if not self._url:
            return said
        return Connection(self._url, said.token if self._token is None else self._token, said.schema)
