import os
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.errors import JobError
from app.inference.answers import SegmentOptions
from app.jobs.journal import note
from app.jobs.local import LocalFolder
from app.jobs.plan import Plan, finish, make_plan, writing
from app.jobs.row import Row
from app.jobs.task import Task
from tests.jobs.conftest import Pictures, manifest


@pytest.fixture
def folders(pictures: Pictures, tmp_path: Path) -> tuple[LocalFolder, LocalFolder]:
    return LocalFolder(pictures.root), LocalFolder(tmp_path / "out")


def plan(task: Task, folders: tuple[LocalFolder, LocalFolder], overwrite: bool = False) -> Plan:
    with writing(folders[1]):
        return make_plan(task, *folders, overwrite)


def done(task: Task, folders: tuple[LocalFolder, LocalFolder], *names: str) -> None:
    """Does what is named, as a job that was killed then."""
    entries = {entry.path: entry for entry in plan(task, folders).entries}
    for name in names:
        folders[1].write(f"{name}.mask.png", b"mask")
    rows = [Row(name, "done", entries[name].fingerprint, answers={f"{name}.mask.png": 4}) for name in names]
    note(folders[1], rows)


def waiting(found: Plan) -> set[str]:
    return {entry.path for entry in found.entries}


def test_at_first_all_is_to_be_done(task: Task, folders: tuple[LocalFolder, LocalFolder], pictures: Pictures) -> None:
    found = plan(task, folders)
    assert waiting(found) == {*pictures.names, "broken.jpg", "b/empty.png", "notes.txt"}
    assert (found.resumed, found.passed) == (0, 1)


def test_done_is_done_unless_the_picture_or_its_answer_has_changed(
    task: Task, folders: tuple[LocalFolder, LocalFolder], pictures: Pictures, tmp_path: Path
) -> None:
    done(task, folders, "a.jpg", "b/c.jpg", "b/c.png", "g")
    os.utime(pictures.root / "a.jpg", ns=(1, 1))
    (tmp_path / "out" / "b" / "c.png.mask.png").write_bytes(b"short")
    (tmp_path / "out" / "g.mask.png").unlink()
    found = plan(task, folders)
    assert found.resumed == 1
    assert "b/c.jpg" not in waiting(found)
    assert {"a.jpg", "b/c.png", "g"} <= waiting(found)
    assert [row["path"] for row in manifest(tmp_path / "out")] == ["b/c.jpg"]


def test_another_job_is_refused_or_begins_anew(
    task: Task, folders: tuple[LocalFolder, LocalFolder], tmp_path: Path
) -> None:
    done(task, folders, "a.jpg")
    other = replace(task, options=SegmentOptions("overlay"))
    with pytest.raises(JobError, match="another job"):
        plan(other, folders)
    assert (tmp_path / "out" / "a.jpg.mask.png").exists()
    assert "a.jpg" in waiting(plan(other, folders, overwrite=True))
    assert not (tmp_path / "out" / "a.jpg.mask.png").exists()
    plan(other, folders)


def test_a_folder_that_is_gone_is_told(task: Task, folders: tuple[LocalFolder, LocalFolder], tmp_path: Path) -> None:
    with pytest.raises(JobError, match="gone cannot be read: No such file"):
        plan(task, (LocalFolder(tmp_path / "gone"), folders[1]))


def test_the_manifest_holds_what_was_known_and_what_came(
    task: Task, folders: tuple[LocalFolder, LocalFolder], pictures: Pictures, tmp_path: Path
) -> None:
    done(task, folders, "g")
    (pictures.root / "nowhere.jpg").symlink_to("gone")
    found = plan(task, folders)
    finish(found, [Row("a.jpg", "done", "1"), Row("notes.txt", "passed", "1")], folders[1])
    assert [(row["path"], row["status"]) for row in manifest(tmp_path / "out")] == [
        ("a.jpg", "done"), ("g", "done"), ("nowhere.jpg", "failed")
    ]  # fmt: skip


def test_a_disk_that_fails_ends_the_job(folders: tuple[LocalFolder, LocalFolder]) -> None:
    with pytest.raises(JobError, match="No space left; what is done is kept"), writing(folders[1]):
        raise OSError(28, "No space left")
