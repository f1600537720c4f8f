"""Where pictures come from and answers go to: a folder of this machine, or a URL that fsspec knows."""

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

STATE = ".segserve"
"""Folder with a job's own bookkeeping, in the folder of its answers; who looks for pictures passes such folders by."""
UNFINISHED = ".tmp-segserve-"
"""How names of files begin that are being written."""
HEAD = 1024
"""Bytes that tell the kind of a file."""


@dataclass(frozen=True)
class Entry:
    """A file that may be a picture.

    Args:
        path: below the folder, with `/` between names.
        bytes: its size.
        fingerprint: changes when the file does: size and time, or what a store gives in place of it.
    """

    path: str
    bytes: int
    fingerprint: str


@dataclass(frozen=True)
class Listing:
    """What is in a folder.

    Args:
        entries: its files by path, sorted.
        unreadable: folders that could not be looked into, and why.
        passed: hidden files and folders, loops of links, devices, folders of other jobs' answers.
    """

    entries: tuple[Entry, ...]
    unreadable: tuple[tuple[str, str], ...] = ()
    passed: int = 0


class Folder(Protocol):
    """A tree of files; every method but `listing` raises OSError where it fails.

    Args:
        url: of the folder: an absolute path, or a URL.
    """

    url: str

    def listing(self) -> Listing:
        """All files below."""
        ...

    def read(self, path: str, most: int | None = None) -> bytes:
        """A file's content, or its first `most` bytes."""
        ...

    def write(self, path: str, content: bytes) -> None:
        """Puts a file there, whole or not at all, with the folders that it needs."""
        ...

    def write_parts(self, path: str, parts: Iterable[bytes]) -> None:
        """The same with a file that comes in parts, into a folder that is there; it need not fit into memory."""
        ...

    def settle(self, paths: Iterable[str]) -> None:
        """Makes files that were written last through a power cut."""
        ...

    def sizes(self) -> dict[str, int]:
        """Bytes of each file by path; what dead writers left unfinished is removed."""
        ...

    def remove(self, paths: Iterable[str]) -> None:
        """Removes files; those that are gone already don't matter."""
        ...

    def locked(self) -> AbstractContextManager[None]:
        """Keeps other jobs from writing here, where the place has locks.

        Raises:
            JobError: another job writes here.
        """
        ...


def open_folder(url: str) -> Folder:
    """The folder of a path or URL; it need not exist.

    Raises:
        ConfigurationError: nothing is installed that reads such URLs.
    """
    path = local_path(url)
    if path is not None:
        from app.jobs.local import LocalFolder

        return LocalFolder(path)
    from app.jobs.remote import RemoteFolder

    return RemoteFolder(url)


def local_path(url: str) -> Path | None:
    """The path that is meant; None for URLs of other machines."""
    if "://" not in url:
        return Path(url)
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" and parts.netloc in ("", "localhost") else None


def as_text(path: str) -> str:
    """A path as text that can be encoded, where its bytes are no UTF-8, too."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def parents(path: str) -> Iterator[str]:
    """Folders that lead to a path, the innermost first; the root is the empty string."""
    while path:
        path = path.rpartition("/")[0]
        yield path
