from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from app.core.errors import FileUnreadableError, ImageTooLargeError, JobError
from app.core.settings import Settings
from app.inference.answers import SegmentOptions
from app.inference.loaded import LoadedModel
from app.jobs.local import LocalFolder
from app.jobs.single import answered, fetch, is_web, name_of, read_picture, write_answers
from tests.jobs.conftest import drawn

Web = Callable[..., AbstractContextManager[httpx.Response]]


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server without a socket: `/large` never ends, `/moved` leads to `/cat.jpg`, `/gone` is not there."""

    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 1000

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/large":
            return httpx.Response(200, content=endless())
        if request.url.path == "/moved":
            return httpx.Response(302, headers={"Location": "/cat.jpg"})
        return httpx.Response(200 if request.url.path == "/cat.jpg" else 404, content=b"cat")

    @contextmanager
    def stream(method: str, url: str, **options: bool) -> Iterator[httpx.Response]:
        with httpx.Client(transport=httpx.MockTransport(answer)) as client:
            follow = options["follow_redirects"]
            with client.stream(method, url, follow_redirects=follow) as response:
                yield response

    monkeypatch.setattr(httpx, "stream", stream)


@pytest.mark.usefixtures("web")
def test_a_picture_from_the_web() -> None:
    assert fetch("http://web.test/moved", 100) == b"cat"
    with pytest.raises(ImageTooLargeError, match="more than the 5,000 bytes"):
        fetch("http://web.test/large", 5000)
    with pytest.raises(FileUnreadableError, match=r"gone: the server answers 404$"):
        fetch("http://web.test/gone", 100)
    with pytest.raises(FileUnreadableError):
        fetch("http://[", 100)


@pytest.mark.parametrize(
    ("source", "name", "web"),
    [
        ("a/cat.jpg", "cat.jpg", False),
        ("-", "picture", False),
        ("https://web.test/a/cat.jpg?x=/y", "cat.jpg", True),
        ("s3://bucket/cat.jpg", "cat.jpg", False),
    ],
)
def test_names(source: str, name: str, web: bool) -> None:
    assert name_of(source) == name
    assert is_web(source) is web


def test_answers_go_to_a_file_or_into_a_folder(model: LoadedModel, settings: Settings, tmp_path: Path) -> None:
    found = answered(drawn(1), "c.jpg", model, settings, SegmentOptions("zip", parts=("mask", "json")), packed=False)
    mask = replace(found, files={"mask": found.files["mask"]})
    assert write_answers(mask, "c.jpg", tmp_path / "new" / "mask.png") == [tmp_path / "new" / "mask.png"]
    assert write_answers(mask, "c.jpg", tmp_path) == [tmp_path / "c.jpg.mask.png"]
    assert (tmp_path / "c.jpg.mask.png").read_bytes() == found.files["mask"]
    both = write_answers(found, "c.jpg", tmp_path / "two")
    assert [path.name for path in both] == ["c.jpg.mask.png", "c.jpg.segmentation.json"]
    with pytest.raises(JobError, match="cannot be written"):
        write_answers(mask, "c.jpg", tmp_path / "c.jpg.mask.png" / "below")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadableError, match=r"gone\.jpg: No such file"):
        read_picture(LocalFolder(tmp_path / "gone.jpg"), "", 10)
