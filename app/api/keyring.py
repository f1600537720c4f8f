"""The API keys that open this service: those of the settings, and those of a file that may change while it runs."""

import hmac
import logging
import time
from pathlib import Path

from app.api.key_entries import KeyEntry, Scope, digest, parse_entries
from app.api.limits import Bucket
from app.core.errors import ConfigurationError
from app.core.settings import Settings

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""The file is looked at when a key is asked for, but not more often than that."""


class Key:
    """A key that is known, and what it may still use.

    Args:
        name: for people; it stands in the log.
        entry: what is written down of it.
    """

    def __init__(self, name: str, entry: KeyEntry) -> None:
        self.name = name
        self.entry = entry
        requests, pixels = entry.requests_per_second, entry.pixels_per_second
        self._requests = None if requests is None else Bucket(requests, entry.burst or max(1.0, requests), "requests")
        self._pixels = None if pixels is None else Bucket(pixels, pixels, "pixels")

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """What it is for."""
        return self.entry.scopes

    def count_request(self) -> None:
        """Takes a request from what it may.

        Raises:
            TooManyRequestsError: too many came lately.
        """
        if self._requests is not None:
            self._requests.take(1)

    def count_pixels(self, pixels: int) -> None:
        """Takes a picture of that many pixels from what it may; 0 asks whether another one is welcome. Thread-safe.

        Raises:
            TooManyRequestsError: the pictures before it had too many.
        """
        if self._pixels is not None:
            self._pixels.borrow(pixels)


class Keyring:
    """Finds keys. A file that is broken or gone leaves those that were there.

    Args:
        text: entries in TOML, which stay; None: none.
        path: file with more of them; None: none.

    Raises:
        ConfigurationError: either of them cannot be read, has no key, or they do not go together.
    """

    def __init__(self, text: str | None, path: Path | None) -> None:
        self._fixed = {} if text is None else parse_entries(text, "api_keys")
        self._path = path
        self._keys: tuple[Key, ...] = ()
        self._seen = None if path is None else _content(path)
        self._looked_at = time.monotonic()
        self._take()

    def find(self, given: bytes) -> Key | None:
        """The key that these bytes are; how long that takes tells nothing of the keys that there are."""
        self._follow()
        hashed, found = digest(given), None
        for key in self._keys:
            if hmac.compare_digest(key.entry.sha256, hashed):
                found = key
        return found

    def _follow(self) -> None:
        now = time.monotonic()
        if self._path is None or now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        content = _content(self._path)
        if content == self._seen:
            return
        self._seen = content
        try:
            self._take()
        except ConfigurationError as error:
            logger.error("the API keys stay as they are: %s", error.detail)

    def _take(self) -> None:
        """Makes the entries of the settings and the file the keys; those that have not changed keep what they used."""
        entries, known = self._entries(), {key.name: key for key in self._keys}
        self._keys = tuple(
            known[name] if name in known and known[name].entry == entry else Key(name, entry)
            for name, entry in entries.items()
        )
        logger.info("API keys: %s", ", ".join(entries))

    def _entries(self) -> dict[str, KeyEntry]:
        added = {} if self._seen is None else self._in_file(self._seen)
        if both := self._fixed.keys() & added.keys():
            raise ConfigurationError(f"api_keys and api_keys_file both have {min(both)}")
        entries = self._fixed | added
        if len({entry.sha256 for entry in entries.values()}) < len(entries):
            raise ConfigurationError("one of the API keys has two names")
        return entries

    def _in_file(self, seen: bytes | str) -> dict[str, KeyEntry]:
        if isinstance(seen, str):
            raise ConfigurationError(f"api_keys_file {self._path}: {seen}")
        return parse_entries(seen, f"api_keys_file {self._path}")


def open_keyring(settings: Settings) -> Keyring | None:
    """The keys that the settings name; None where they name none, so that the service is open.

    Raises:
        ConfigurationError: as `Keyring`.
    """
    if settings.api_keys is None and settings.api_keys_file is None:
        return None
    return Keyring(settings.api_keys, settings.api_keys_file)


def _content(path: Path) -> bytes | str:
    """What is in a file, or why that cannot be told."""
    try:
        return path.read_bytes()
    except OSError as error:
        return error.strerror or type(error).__name__
