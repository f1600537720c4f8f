"""A folder of this machine."""

import fcntl
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from app.core.errors import JobError
from app.jobs.folder import STATE, UNFINISHED, Entry, Listing
from app.store.durable import sync

Identity = tuple[int, int]


class LocalFolder:
    """Files below a path; links to files and folders are followed, loops are not.

    Args:
        path: of the folder.
    """

    def __init__(self, path: Path) -> None:
        self._root = path.resolve()
        self.url = str(self._root)

    def listing(self) -> Listing:
        """All files below, folder by folder."""
        walk = _Walk(self._root)
        return Listing(
            tuple(sorted(walk.entries, key=lambda entry: entry.path)), tuple(sorted(walk.unreadable)), walk.passed
        )

    def read(self, path: str, most: int | None = None) -> bytes:
        """A file's content, or its first `most` bytes; never waits for the other end of a pipe."""
        descriptor = os.open(self._root / path, os.O_RDONLY | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:  # noqa: PTH123  # a path's own open takes no flags
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError("not a regular file")
            return file.read() if most is None else file.read(most)

    def write(self, path: str, content: bytes) -> None:
        """Writes beside the place, then renames."""
        with self._replacing(path) as temporary:
            try:
                temporary.write_bytes(content)
            except FileNotFoundError:
                temporary.parent.mkdir(parents=True, exist_ok=True)
                temporary.write_bytes(content)

    def write_parts(self, path: str, parts: Iterable[bytes]) -> None:
        """The same, part by part."""
        with self._replacing(path) as temporary, temporary.open("wb") as file:
            file.writelines(parts)

    @contextmanager
    def _replacing(self, path: str) -> Iterator[Path]:
        """A file that takes the place of another if the block ends well, and is removed if not."""
        target = self._root / path
        temporary = target.with_name(f"{UNFINISHED}{uuid4().hex}")
        try:
            yield temporary
            temporary.replace(target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise

    def settle(self, paths: Iterable[str]) -> None:
        """Brings files to the disk, then the entries of their folders and of those above."""
        folders: set[Path] = set()
        for path in paths:
            target = self._root / path
            sync(target)
            folders.update(parent for parent in target.parents if parent.is_relative_to(self._root))
        for folder in folders:
            sync(folder)

    def sizes(self) -> dict[str, int]:
        """Bytes of each file; links are not followed. What is unfinished was left by writers that are dead."""
        found: dict[str, int] = {}
        for folder, _, names in os.walk(self._root):
            for name in names:
                path = os.path.join(folder, name)  # noqa: PTH118  # millions of them
                if name.startswith(UNFINISHED):
                    with suppress(OSError):
                        os.unlink(path)  # noqa: PTH108
                    continue
                with suppress(OSError):
                    found[os.path.relpath(path, self._root)] = os.stat(path).st_size  # noqa: PTH116
        return found

    def remove(self, paths: Iterable[str]) -> None:
        """Removes files."""
        for path in paths:
            (self._root / path).unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds a lock file; the system releases it when the process ends in whatever way."""
        state = self._root / STATE
        try:
            state.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise JobError(f"{self.url} cannot be written to: {error.strerror or error}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise JobError(f"another job writes to {self.url}: wait for it, or end it") from error
        finally:
            os.close(descriptor)


class _Walk:
    """Collects files, folder by folder.

    Args:
        root: where to begin.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._waiting: list[tuple[str, tuple[Identity, ...]]] = [("", ())]
        self.entries: list[Entry] = []
        self.unreadable: list[tuple[str, str]] = []
        self.passed = 0
        while self._waiting:
            self._visit(*self._waiting.pop())

    def _visit(self, folder: str, above: tuple[Identity, ...]) -> None:
        """Looks into a folder; `above` are those that led here."""
        path = self._root / folder
        try:
            status = path.stat()
            identity = (status.st_dev, status.st_ino)
            if identity in above or (folder and (path / STATE).is_dir()):
                self.passed += 1
                return
            with os.scandir(path) as found:
                for each in found:
                    self._take(each, f"{folder}/{each.name}" if folder else each.name, (*above, identity))
        except OSError as error:
            self.unreadable.append((f"{folder}/", error.strerror or str(error)))

    def _take(self, found: "os.DirEntry[str]", path: str, above: tuple[Identity, ...]) -> None:
        if found.name.startswith("."):
            self.passed += 1
            return
        try:
            status = found.stat()
        except OSError as error:  # a link to nowhere or in a circle, or gone already
            self.unreadable.append((path, error.strerror or str(error)))
            return
        if stat.S_ISDIR(status.st_mode):
            self._waiting.append((path, above))
        elif stat.S_ISREG(status.st_mode):
            self.entries.append(Entry(path, status.st_size, f"{status.st_size}-{status.st_mtime_ns}"))
        else:
            self.passed += 1
