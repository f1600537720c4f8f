import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.errors import JobError
from app.core.settings import Settings
from app.inference.loaded import LoadedModel
from app.jobs.folder import Entry
from app.jobs.local import LocalFolder
from app.jobs.shipping import pack
from app.jobs.task import Task, begin, shared_settings
from app.jobs.worker import Orders, Worker, file_line, row_of
from tests.jobs.conftest import Pictures, answers


@pytest.fixture
def orders(task: Task, model: LoadedModel, settings: Settings) -> Orders:
    begin(task, LocalFolder(Path(task.target)), None)
    return Orders(task, model.version, shared_settings(settings))


@pytest.fixture
def worker(orders: Orders, model: LoadedModel) -> Iterator[Worker]:
    made = Worker(orders, pack(model))
    yield made
    made.close()


def test_it_answers_in_the_order_of_the_files(worker: Worker, pictures: Pictures, task: Task) -> None:
    entries = LocalFolder(pictures.root).listing().entries
    rows = [row_of(line) for line in worker.segment([file_line(entry) for entry in entries])]
    assert [row.path for row in rows] == [entry.path for entry in entries]
    assert set(answers(Path(task.target))) == {f"{name}.mask.png" for name in pictures.names}
    assert len(list((Path(task.target) / ".segserve" / "done").iterdir())) == 1


def test_a_full_disk_ends_the_job(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(folder: LocalFolder, path: str, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(LocalFolder, "write", full)
    for name in ("a.jpg", "notes.txt"):  # an answer, and what was done
        (line,) = worker.segment([file_line(Entry(name, 1, "1"))])
        with pytest.raises(JobError, match="No space left"):
            row_of(line)


def refusal(orders: Orders, model: LoadedModel) -> str:
    worker = Worker(orders, pack(model))
    (line,) = worker.segment(["…"])
    worker.close()
    return str(json.loads(line)["job_ended"])


def test_a_worker_that_is_not_like_the_others_says_so(orders: Orders, model: LoadedModel, task: Task) -> None:
    assert "was begun with 0" in refusal(replace(orders, code="0"), model)
    assert "sees another job.json" in refusal(replace(orders, task=replace(task, source="/elsewhere")), model)
    assert "No such file" in refusal(replace(orders, task=replace(task, target="/nowhere")), model)
    other = replace(task, model=replace(task.model, precision="bf16"))
    target = LocalFolder(Path(task.target))
    target.remove(["job.json"])
    begin(other, target, None)
    assert "precision=f32, the job as" in refusal(replace(orders, task=other), model)
