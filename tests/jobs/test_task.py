import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.errors import ConfigurationError, JobError
from app.core.settings import Settings
from app.inference.answers import SegmentOptions
from app.inference.loaded import LoadedModel
from app.jobs.local import LocalFolder
from app.jobs.task import Task, begin, require_apart, shared_settings, worker_settings


def test_the_job_is_kept_beside_its_answers(task: Task, tmp_path: Path, model: LoadedModel) -> None:
    target = LocalFolder(tmp_path / "out")
    begin(task, target, None)
    content = target.read("job.json")
    found = json.loads(content)
    assert found["model"]["sha256"] == model.identity.sha256
    assert found["options"]["output"] == ["mask"]
    begin(task, target, content)


def test_another_job_is_refused_and_the_differences_named(task: Task, tmp_path: Path) -> None:
    other = replace(task, options=SegmentOptions("zip", threshold=0.5, parts=("mask", "json")))
    with pytest.raises(
        JobError, match=r'options.output \["mask"\], now \["mask", "json"\]; options.threshold 0.0, now'
    ):
        begin(other, LocalFolder(tmp_path / "out"), task.to_json())
    retrained = replace(task, model=replace(task.model, sha256="0" * 64))
    with pytest.raises(JobError, match=r"model.sha256"):
        begin(retrained, LocalFolder(tmp_path / "out"), task.to_json())


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_broken_file_is_no_job(task: Task, tmp_path: Path, content: bytes) -> None:
    with pytest.raises(JobError, match="--overwrite"):
        begin(task, LocalFolder(tmp_path), content)


def test_a_folder_whose_name_is_no_text_can_be_told(task: Task) -> None:
    assert b"\\\\xff" in replace(task, source="/a\udcff").to_json()


def test_workers_get_no_secrets() -> None:
    values = shared_settings(Settings(api_keys="secret", max_pixels=5), threads=1)
    assert "secret" not in str(values)
    assert (worker_settings(values).max_pixels, worker_settings(values).threads) == (5, 1)


@pytest.mark.parametrize("target", ["/a/b", "/a", "/"])
def test_answers_do_not_lie_among_pictures(target: str) -> None:
    with pytest.raises(ConfigurationError, match="the pictures are in it"):
        require_apart("/a/b", target)
    require_apart("/a/b", "/a/b/out")
    require_apart("/a/b", "/a/bc")
