"""How a job uses Ray, with a stand-in that works in this process; real clusters are in `tests/cluster`."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from app.core.errors import JobError
from app.core.settings import Settings
from app.inference.loaded import LoadedModel
from app.jobs import ray_run
from app.jobs.local import LocalFolder
from app.jobs.plain import untold
from app.jobs.ray_run import Cluster, run_on_ray
from app.jobs.ray_settings import require_somebody_at
from app.jobs.summary import Summary
from app.jobs.task import Task
from tests.jobs.conftest import Pictures, answers, manifest


class RayError(Exception):
    """The base of Ray's own."""


class Dataset:
    """Blocks of items, and what is made of them."""

    def __init__(self, items: list[dict[str, str]], blocks: int) -> None:
        self.items = items
        self.blocks = blocks
        self.options: dict[str, Any] = {}

    def map_batches(self, kind: Any, fn_constructor_args: tuple[Any, ...], **options: Any) -> "Dataset":
        self.options = options
        self._begin: Any = lambda: kind(*fn_constructor_args)
        return self

    def iter_rows(self) -> Iterator[dict[str, str]]:
        size = self.options["batch_size"]
        batches = [self.items[first : first + size] for first in range(0, len(self.items), size)]
        worker = self._begin()
        rows = [row for batch in batches for row in worker({"file": [each["file"] for each in batch]})["row"]]
        worker._worker.close()
        yield from ({"row": row} for row in rows)


class Ray:
    """The parts of Ray that jobs use.

    Attributes:
        asked: what `init` was given.
        made: the data set.
        running: whether it was begun and not ended.
    """

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}
        self.made: Dataset | None = None
        self.running = False
        self.refuses: Exception | None = None

    def init(self, **options: Any) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.asked, self.running = options, True

    def shutdown(self) -> None:
        self.running = False

    def from_items(self, items: list[dict[str, str]], override_num_blocks: int) -> Dataset:
        self.made = Dataset(items, override_num_blocks)
        return self.made


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Ray:
    made, module, data = Ray(), ModuleType("ray"), ModuleType("ray.data")
    context = SimpleNamespace()
    vars(data).update(
        from_items=made.from_items,
        ActorPoolStrategy=lambda **options: options,
        DataContext=SimpleNamespace(get_current=lambda: context),
    )
    vars(module).update(
        init=made.init,
        shutdown=made.shutdown,
        is_initialized=lambda: made.running,
        put=lambda value: value,
        get=lambda value: value,
        cluster_resources=lambda: {"CPU": 5.0},
        exceptions=SimpleNamespace(RayError=RayError),
        data=data,
    )
    monkeypatch.setitem(sys.modules, "ray", module)
    monkeypatch.setitem(sys.modules, "ray.data", data)
    monkeypatch.setattr(ray_run, "require_somebody_at", lambda address: None)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setitem(os.environ, "RAY_USAGE_STATS_ENABLED", "0")
    return made


class Job:
    """A job that can be run again."""

    def __init__(self, task: Task, model: LoadedModel, settings: Settings, pictures: Pictures) -> None:
        self.target = LocalFolder(Path(task.target))
        self._parts = task, model, settings, (LocalFolder(pictures.root), self.target)

    def run(self, cluster: Cluster | None = None, tell: Any = untold) -> Summary:
        return run_on_ray(*self._parts, False, tell, cluster or Cluster())


@pytest.fixture
def job(task: Task, model: LoadedModel, settings: Settings, pictures: Pictures) -> Job:
    return Job(task, model, settings, pictures)


def test_a_job(ray: Ray, job: Job, pictures: Pictures, task: Task) -> None:
    told: list[tuple[int, int]] = []
    summary = job.run(tell=lambda *numbers: told.append(numbers))
    assert (summary.done, summary.failed, summary.passed) == (6, 2, 2)
    assert told[-1] == (9, 9)
    out = Path(task.target)
    assert set(answers(out)) == {f"{name}.mask.png" for name in pictures.names}
    assert len(manifest(out)) == 8
    assert ray.made is not None
    assert (ray.made.blocks, ray.made.options["compute"]) == (1, {"min_size": 1, "max_size": 5})
    assert (ray.made.options["num_cpus"], ray.made.options["num_gpus"]) == (1, 0)
    assert not ray.running


def test_one_is_begun_where_none_is_named(ray: Ray, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    job.run()
    assert (ray.asked["address"], ray.asked["include_dashboard"]) == ("local", False)
    job.target.remove(["manifest.jsonl"])
    monkeypatch.setenv("RAY_ADDRESS", "head:1")
    job.run()
    assert "address" not in ray.asked
    job.target.remove(["manifest.jsonl"])
    job.run(Cluster("head:2", workers=3))
    assert ray.asked["address"] == "head:2"
    assert ray.made is not None
    assert ray.made.options["compute"]["max_size"] == 3


def test_ray_that_runs_already_is_used_and_left(ray: Ray, job: Job) -> None:
    ray.running = True
    job.run()
    assert ray.running
    assert ray.asked == {}


def test_a_cluster_that_cannot_be_reached(ray: Ray, job: Job) -> None:
    ray.refuses = ConnectionError("first line\nnobody there")
    with pytest.raises(JobError, match="Ray at head:1 cannot be reached: nobody there"):
        job.run(Cluster("head:1"))
    ray.refuses = Exception("the node timed out")
    with pytest.raises(JobError, match="Ray cannot be started: the node timed out"):
        job.run()


def test_an_address_where_nobody_listens_is_not_tried_for_minutes(
    ray: Ray, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_run, "require_somebody_at", require_somebody_at)
    with pytest.raises(JobError, match=r"Ray at 127\.0\.0\.1:9 cannot be reached: .*refused"):
        job.run(Cluster("127.0.0.1:9"))
    assert ray.asked == {}


def test_what_ray_gives_up_on_ends_the_job(ray: Ray, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(data: Dataset) -> Iterator[dict[str, str]]:
        raise RayError("the head is lost")
        yield {}

    monkeypatch.setattr(Dataset, "iter_rows", lost)
    with pytest.raises(JobError, match="Ray: the head is lost; what is done is kept"):
        job.run()
    assert not ray.running


def test_what_ray_says_is_not_in_the_summary(
    ray: Ray, job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = Dataset.iter_rows

    def telling(data: Dataset) -> Iterator[dict[str, str]]:
        print("(raylet) A worker died")  # noqa: T201  # as Ray does
        yield from rows(data)

    monkeypatch.setattr(Dataset, "iter_rows", telling)
    job.run()
    assert capsys.readouterr() == ("", "(raylet) A worker died\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_even_where_they_were_ignored(ray: Ray, job: Job, number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt):
            job.run(tell=lambda done, total: signal.raise_signal(number))
        assert signal.getsignal(number) == signal.SIG_IGN
    finally:
        signal.signal(number, before)
    assert not ray.running
    again = job.run()
    assert again.resumed == 6
