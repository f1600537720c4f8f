from dataclasses import replace
from pathlib import Path

import pytest

from app.core.errors import JobError
from app.core.settings import Settings
from app.inference.answers import SegmentOptions
from app.inference.loaded import LoadedModel
from app.jobs.crew import crew
from app.jobs.folder import Entry
from app.jobs.local import LocalFolder
from app.jobs.picture import Places
from tests.jobs.conftest import Pictures

pytestmark = pytest.mark.anyio


@pytest.fixture
def places(pictures: Pictures, tmp_path: Path) -> Places:
    return Places(LocalFolder(pictures.root), LocalFolder(tmp_path / "out"), 100_000)


async def test_every_file_has_a_row(model: LoadedModel, settings: Settings, places: Places) -> None:
    entries = places.source.listing().entries
    async with crew(model, settings, places, SegmentOptions()) as workers:
        rows = [row async for row in workers.rows(entries)]
    assert sorted(row.path for row in rows) == [entry.path for entry in entries]
    assert sorted(row.status for row in rows) == ["done"] * 6 + ["failed"] * 2 + ["passed"]


async def test_pictures_that_have_no_room_together_wait(model: LoadedModel, settings: Settings, places: Places) -> None:
    small = settings.model_copy(update={"max_pixels": 5000, "max_queue_pixels": 5000})
    async with crew(model, small, places, SegmentOptions()) as workers:
        rows = [row async for row in workers.rows(places.source.listing().entries)]
    assert [row.code for row in rows].count("overloaded") == 0
    assert [row.status for row in rows].count("done") == 6


async def test_once_asked_to_stop_it_begins_nothing(model: LoadedModel, settings: Settings, places: Places) -> None:
    asked = iter([False, False, True])
    async with crew(model, settings, places, SegmentOptions()) as workers:
        rows = [row async for row in workers.rows(places.source.listing().entries, lambda: next(asked, True))]
    assert len(rows) == 2


async def test_where_nothing_can_be_written_it_ends(
    model: LoadedModel, settings: Settings, places: Places, tmp_path: Path
) -> None:
    (tmp_path / "out").touch()
    closed = replace(places, target=LocalFolder(tmp_path / "out" / "below"))
    many = [Entry("a.jpg", 1, str(number)) for number in range(100)]
    async with crew(model, settings, closed, SegmentOptions()) as workers:
        rows = [row async for row in workers.rows(many)]
    assert {row.code for row in rows} == {"answer_unwritable"}


async def test_a_full_disk_ends_it(
    model: LoadedModel, settings: Settings, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: LocalFolder, path: str, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(LocalFolder, "write", full)
    async with crew(model, settings, places, SegmentOptions()) as workers:
        with pytest.raises(JobError, match="No space left"):
            [row async for row in workers.rows(places.source.listing().entries)]
