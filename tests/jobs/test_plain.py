import signal
import threading
from pathlib import Path

import pytest

from app.core.errors import JobError
from app.core.settings import Settings
from app.inference.loaded import LoadedModel
from app.jobs import plain
from app.jobs.local import LocalFolder
from app.jobs.plain import run_plain, untold
from app.jobs.row import rows_of
from app.jobs.task import Task
from tests.jobs.conftest import Pictures, answers, manifest

PATIENCE = 30  # seconds until a test that hangs fails


@pytest.fixture
def folders(pictures: Pictures, tmp_path: Path) -> tuple[LocalFolder, LocalFolder]:
    return LocalFolder(pictures.root), LocalFolder(tmp_path / "out")


def test_a_job(
    task: Task, model: LoadedModel, settings: Settings, folders: tuple[LocalFolder, LocalFolder], pictures: Pictures
) -> None:
    told: list[tuple[int, int]] = []
    summary = run_plain(task, model, settings, folders, False, lambda *numbers: told.append(numbers))
    assert (summary.done, summary.failed, summary.passed, summary.resumed) == (6, 2, 2, 0)
    assert summary.codes == {"empty_image": 1, "invalid_image": 1}
    assert told[-1] == (9, 9)
    out = Path(task.target)
    assert set(answers(out)) == {f"{name}.mask.png" for name in pictures.names}
    assert [row["path"] for row in manifest(out)] == sorted([*pictures.names, "broken.jpg", "b/empty.png"])


def test_a_signal_stops_it_between_two_pictures(
    task: Task, model: LoadedModel, settings: Settings, folders: tuple[LocalFolder, LocalFolder]
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    numbers = iter([signal.SIGTERM])

    def tell(done: int, total: int) -> None:
        for number in numbers:
            signal.raise_signal(number)

    many = folders[0]
    for number in range(40):
        many.write(f"more/{number}.jpg", many.read("a.jpg"))
    summary = run_plain(task, model, settings, folders, False, tell)
    assert summary.stopped
    assert 0 < summary.done < 46
    assert len(answers(Path(task.target))) == summary.done
    assert signal.getsignal(signal.SIGTERM) == before


def test_what_is_done_is_kept_when_the_disk_is_full(
    task: Task,
    model: LoadedModel,
    settings: Settings,
    folders: tuple[LocalFolder, LocalFolder],
    pictures: Pictures,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("broken.jpg", "b/empty.png", "notes.txt"):
        (pictures.root / name).unlink()  # every row that is noted has an answer
    write, left, noted = LocalFolder.write, iter(range(3)), threading.Event()

    def filling(folder: LocalFolder, path: str, content: bytes) -> None:
        if path.endswith(".png") and next(left, None) is None:
            assert noted.wait(PATIENCE)  # of the first three
            raise OSError(28, "No space left on device")
        write(folder, path, content)

    monkeypatch.setattr(LocalFolder, "write", filling)
    with pytest.raises(JobError, match="No space left on device; what is done is kept"):
        run_plain(task, model, settings, folders, False, lambda done, total: noted.set())
    assert noted.is_set()
    (part,) = (Path(task.target) / ".segserve" / "done").iterdir()
    kept = [path for row in rows_of(part.read_bytes()) for path in row.answers or ()]
    assert set(kept) <= set(answers(Path(task.target)))
    assert kept


def test_rows_are_kept_as_it_goes(
    task: Task,
    model: LoadedModel,
    settings: Settings,
    folders: tuple[LocalFolder, LocalFolder],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noted: list[int] = []
    monkeypatch.setattr(plain, "NOTE_EVERY_ROWS", 4)
    monkeypatch.setattr(plain, "note", lambda target, rows: noted.append(len(rows)))
    run_plain(task, model, settings, folders, False, untold)
    assert noted == [4, 4]
