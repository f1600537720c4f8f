import asyncio
import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import JobError, OverloadedError
from app.inference.answers import SegmentOptions
from app.jobs.folder import Entry, Folder
from app.jobs.local import LocalFolder
from app.jobs.picture import Places, Turns, segment_file
from app.jobs.row import Row
from tests.fixtures.waiting import until
from tests.jobs.conftest import Pictures

pytestmark = pytest.mark.anyio
ENTRY = Entry("a.jpg", 9, "9-1")


class Answer:
    output = "mask"
    content = b"mask"
    model = "pets/1"
    size = (2, 3)
    lossy = ""


class Segmenter:
    """Stands for the real one: turns are what is looked at here."""

    def __init__(self, room: int = 99) -> None:
        self.room = room
        self.busy = 0
        self.most = 0
        self.go = asyncio.Event()
        self.go.set()

    async def segment(self, data: bytes, options: SegmentOptions, filename: str) -> Any:
        if self.busy >= self.room:
            raise OverloadedError("no room")
        self.busy += 1
        self.most = max(self.most, self.busy)
        await self.go.wait()
        self.busy -= 1
        if data == b"bug":
            raise ZeroDivisionError
        return Answer()


def turns(segmenter: Segmenter) -> Turns:
    return Turns(segmenter)  # type: ignore[arg-type]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(b"123456789")
    return Places(LocalFolder(tmp_path / "in"), LocalFolder(tmp_path / "out"), 100)


async def row(places: Places, entry: Entry = ENTRY) -> Row:
    return await segment_file(turns(Segmenter()), entry, SegmentOptions(), places)


async def test_a_picture_that_is_in_order(places: Places) -> None:
    found = await row(places)
    assert found == Row(
        "a.jpg", "done", "9-1", model="pets/1", size=(2, 3), seconds=found.seconds, answers={"a.jpg.mask.png": 4}
    )
    assert places.target.read("a.jpg.mask.png") == b"mask"


async def test_by_content_where_the_name_says_nothing(pictures: Pictures, places: Places) -> None:
    places = replace(places, source=LocalFolder(pictures.root), max_bytes=10_000)
    assert (await row(places, Entry("g", 9, ""))).status == "done"
    assert (await row(places, Entry("notes.txt", 9, ""))).status == "passed"


async def test_what_is_wrong_with_a_file_is_in_its_row(places: Places) -> None:
    for entry, code in [
        (Entry("gone.jpg", 9, ""), "file_unreadable"),
        (Entry("gone", 9, ""), "file_unreadable"),
        (Entry("a.jpg", 101, ""), "image_too_large"),
    ]:
        found = await row(places, entry)
        assert (found.status, found.code) == ("failed", code)


async def test_a_bug_fails_one_picture(places: Places, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "in" / "a.jpg").write_bytes(b"bug")
    assert (await row(places)).code == "internal_error"
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
async def test_a_full_disk_ends_the_job(places: Places, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(folder: Folder, path: str, content: bytes) -> None:
        raise OSError(number, "reason")

    monkeypatch.setattr(LocalFolder, "write", full)
    with pytest.raises(JobError, match=r"a\.jpg\.mask\.png cannot be written: reason; what is done is kept"):
        await row(places)


async def test_a_name_that_is_too_long_fails_alone(places: Places, tmp_path: Path) -> None:
    name = f"{'n' * 250}.jpg"
    (tmp_path / "in" / name).write_bytes(b"1")
    found = await row(places, Entry(name, 1, ""))
    assert found.code == "answer_unwritable"
    assert not list((tmp_path / "out").iterdir())


async def test_who_finds_no_room_has_it_when_the_others_are_done() -> None:
    segmenter = Segmenter(room=2)
    segmenter.go.clear()
    waiting = turns(segmenter)
    tasks = [asyncio.create_task(waiting.segment(b"", "a.jpg", SegmentOptions())) for _ in range(9)]
    await until(lambda: segmenter.busy == 2)
    segmenter.go.set()
    assert len(await asyncio.gather(*tasks)) == 9
    assert segmenter.most == 2


async def test_who_finds_no_room_even_alone_is_told() -> None:
    with pytest.raises(OverloadedError):
        await turns(Segmenter(room=0)).segment(b"", "a.jpg", SegmentOptions())
