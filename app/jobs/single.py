"""One picture: its answer to standard output or to a file."""

import asyncio
from functools import partial
from pathlib import Path

import httpx

from app.core.errors import FileUnreadableError, ImageTooLargeError, JobError
from app.core.settings import Settings
from app.inference.answers import SegmentOptions
from app.inference.loaded import LoadedModel
from app.jobs.contents import Contents, contents
from app.jobs.crew import segmenting
from app.jobs.folder import Folder, as_text, local_path
from app.jobs.layout import answer_path
from app.jobs.local import LocalFolder

WEB = ("http://", "https://")
SECONDS = 60.0
"""Longest wait for a server to say something."""


def is_web(source: str) -> bool:
    """Whether it is the address of one picture."""
    return source.startswith(WEB)


def read_picture(folder: Folder, name: str, max_bytes: int) -> bytes:
    """Content of a file, or as much of it as shows that it is too large.

    Raises:
        FileUnreadableError: it cannot be read.
    """
    try:
        return folder.read(name, max_bytes + 1)
    except OSError as error:
        raise FileUnreadableError(f"{folder.url}/{name}".rstrip("/") + f": {error.strerror or error}") from error


def fetch(url: str, max_bytes: int) -> bytes:
    """A picture from the web; redirects are followed.

    Raises:
        ImageTooLargeError: more bytes than allowed; no more are fetched.
        FileUnreadableError: the server could not be reached, or refuses.
    """
    data = bytearray()
    try:
        with httpx.stream("GET", url, follow_redirects=True, timeout=SECONDS) as answer:
            if not answer.is_success:
                raise FileUnreadableError(f"{url}: the server answers {answer.status_code}")
            for chunk in answer.iter_bytes():
                data += chunk
                if len(data) > max_bytes:
                    raise ImageTooLargeError(f"{url}: more than the {max_bytes:,} bytes allowed")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise FileUnreadableError(f"{url}: {error or type(error).__name__}") from error
    return bytes(data)


def answered(
    data: bytes, name: str, model: LoadedModel, settings: Settings, options: SegmentOptions, packed: bool
) -> Contents:
    """The answers to one picture; the model is closed.

    Args:
        data: the picture.
        name: what it is called.
        model: the model.
        settings: limits of the service.
        options: with `parts` there is a file for each, else one.
        packed: whether these are left in one archive.

    Raises:
        SegserveError: as `Segmenter.segment`.
    """

    async def work() -> Contents:
        async with segmenting(model, settings) as segmenter:
            return await contents(partial(segmenter.segment, data, filename=as_text(name)), options, packed)

    return asyncio.run(work())


def write_answers(found: Contents, name: str, out: Path) -> list[Path]:
    """Writes answers to a file of that name, or into a folder as `layout.answer_path` names them.

    Args:
        found: the answers.
        name: of the picture.
        out: a file for one answer; a folder, also a new one, for several.

    Raises:
        JobError: they cannot be written.
    """
    into = out.is_dir() or len(found.files) > 1
    paths = {kind: out / answer_path(name, kind) if into else out for kind in found.files}
    try:
        for kind, path in paths.items():
            LocalFolder(path.parent).write(path.name, found.files[kind])
    except OSError as error:
        raise JobError(f"{path} cannot be written: {error.strerror or error}") from error
    return list(paths.values())


def name_of(source: str) -> str:
    """The last part of a path or URL, for files of answers."""
    path = local_path(source)
    name = path.name if path is not None else source.split("?")[0].rstrip("/").rpartition("/")[2]
    return "picture" if name in ("", "-") else name
