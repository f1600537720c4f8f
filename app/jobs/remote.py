"""A folder of another machine or of an object store, by way of fsspec."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from app.core.errors import ConfigurationError
from app.jobs.folder import STATE, UNFINISHED, Entry, Listing, parents

OBJECT_STORES = frozenset(("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "oss", "cos", "memory"))
"""A file appears there when all of it has arrived; elsewhere it is renamed when it has."""
TIMES = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "updated", "modified", "created")
"""What a store tells of a file that changes with it; the first one counts."""


class RemoteFolder:
    """Files below a URL.

    Args:
        url: `s3://bucket/folder` and whatever else fsspec knows here.

    Raises:
        ConfigurationError: fsspec or its package for such URLs is not installed, or refuses the URL.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        try:
            from fsspec.core import url_to_fs
        except ImportError as error:
            raise ConfigurationError(f"{url}: URLs need fsspec; install it with `pip install segserve[ray]`") from error
        try:
            self._system, root = url_to_fs(self.url, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise ConfigurationError(f"{url}: {error}") from error
        self._root = root.rstrip("/")
        protocol = self._system.protocol
        self._puts = bool(OBJECT_STORES & {protocol if isinstance(protocol, str) else protocol[0]})

    def listing(self) -> Listing:
        """All files below; one that cannot be listed at all is unreadable."""
        try:
            files = self._files()
        except OSError as error:
            return Listing((), (("/", str(error)),))
        jobs = {path.partition(f"/{STATE}/")[0] for path in files if f"/{STATE}/" in path}
        entries = []
        for path, details in files.items():
            hidden = any(name.startswith(".") for name in path.split("/"))
            if not hidden and jobs.isdisjoint(parents(path)):
                entries.append(Entry(path, int(details.get("size") or 0), _fingerprint(details)))
        return Listing(tuple(sorted(entries, key=lambda entry: entry.path)), passed=len(files) - len(entries))

    def read(self, path: str, most: int | None = None) -> bytes:
        """A file's content, or its first `most` bytes."""
        return bytes(_plain(lambda: self._system.cat_file(self._full(path), start=0 if most else None, end=most)))

    def write(self, path: str, content: bytes) -> None:
        """Puts an object; where there are files, writes beside the place, then renames."""
        self._put(path, lambda full: self._system.pipe_file(full, content))

    def write_parts(self, path: str, parts: Iterable[bytes]) -> None:
        """The same from a file of this machine, which the parts are collected in."""
        with tempfile.NamedTemporaryFile(prefix="segserve-") as file:
            file.writelines(parts)
            file.flush()
            self._put(path, lambda full: self._system.put_file(file.name, full))

    def _put(self, path: str, put: Callable[[str], Any]) -> None:
        """Has a file put in one piece, or beside its place and then renamed."""
        full = self._full(path)
        if self._puts:
            _plain(lambda: put(full))
            return
        folder, _, _ = full.rpartition("/")
        temporary = f"{folder}/{UNFINISHED}{uuid4().hex}"
        _plain(lambda: self._system.makedirs(folder, exist_ok=True))
        _plain(lambda: put(temporary))
        _plain(lambda: self._system.mv(temporary, full))

    def settle(self, paths: Iterable[str]) -> None:
        """What is there lasts: such places see to it themselves."""

    def sizes(self) -> dict[str, int]:
        """Bytes of each file by path."""
        found = {}
        for path, details in self._files().items():
            if path.rpartition("/")[2].startswith(UNFINISHED):
                self.remove([path])
            else:
                found[path] = int(details.get("size") or 0)
        return found

    def remove(self, paths: Iterable[str]) -> None:
        """Removes files."""
        for path in paths:
            full = self._full(path)
            try:
                _plain(lambda full=full: self._system.rm_file(full))  # type: ignore[misc]
            except FileNotFoundError:
                continue

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nothing: such places have no locks that all of them know."""
        yield

    def is_file(self, path: str = "") -> bool:
        """Whether there is a file, not a folder."""
        return bool(_plain(lambda: self._system.isfile(self._full(path))))

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root

    def _files(self) -> dict[str, dict[str, Any]]:
        """What the system tells of each file, by path."""
        try:
            found = _plain(lambda: self._system.find(self._root, detail=True))
        except FileNotFoundError:
            return {}
        return {name[len(self._root) :].lstrip("/"): details for name, details in found.items() if name != self._root}


def _fingerprint(details: dict[str, Any]) -> str:
    told = next((str(details[name]) for name in TIMES if details.get(name)), "")
    return f"{details.get('size')}-{told}"


def _plain(call: Callable[[], Any]) -> Any:
    """Whatever a store's own library raises, as OSError: there is no other base of them all."""
    try:
        return call()
    except (OSError, MemoryError):
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
