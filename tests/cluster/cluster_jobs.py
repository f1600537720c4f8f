"""A job on real clusters that lose workers, nodes and drivers: nothing is lost, nothing is there twice."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.conftest import PICTURES, Nodes, Segserve, answers, block_until, ended, masks

BAD = {"3/broken.jpg": "invalid_image", "empty.png": "empty_image"}


def check(out: Path, pictures: Path, plain: dict[str, bytes]) -> None:
    """All answers are the plain job's, and each picture has one line."""
    assert answers(out) == plain
    rows = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    paths = [row["path"] for row in rows]
    assert paths == sorted([*(path.relative_to(pictures).as_posix() for path in pictures.rglob("0*.jpg")), *BAD])
    assert {row["path"]: row["code"] for row in rows if row["status"] == "failed"} == BAD
    assert not list((out / ".segserve" / "done").iterdir())
    assert not list(out.rglob(".tmp-*"))


def test_ray_of_one_machine_that_is_begun_for_the_job(
    segserve: Segserve, pictures: Path, plain: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = ("segment", pictures, "--out", out, "--output", "mask,json", "--json")
    summary = json.loads(ended(segserve(*command, "--ray")))
    assert (summary["done"], summary["failed"], summary["passed"]) == (PICTURES, 2, 1)
    check(out, pictures, plain)
    again = json.loads(ended(segserve(*command, "--threads", 1)))
    assert again["resumed"] == PICTURES, "a plain job goes on from where one on Ray was"
    check(out, pictures, plain)


def kill_worker(nodes: Nodes) -> None:
    """Ends a process that holds the model, as the system does where memory runs out."""
    pids = [pid for node in nodes.workers for pid in nodes.worker_processes(node)]
    os.kill(pids[0], signal.SIGKILL)


def remove_node(nodes: Nodes) -> None:
    """Ends all processes of a node, as a power cut does."""
    busy = next(node for node in nodes.workers if nodes.worker_processes(node))
    nodes.cluster.remove_node(busy, allow_graceful=False)
    nodes.workers.remove(busy)


def replace_node(nodes: Nodes) -> None:
    """Another node comes when one is lost."""
    remove_node(nodes)
    nodes.add()


@pytest.mark.parametrize("loss", [kill_worker, remove_node, replace_node])
def test_losing_a_part_of_the_cluster_changes_nothing(
    segserve: Segserve,
    nodes: Nodes,
    pictures: Path,
    plain: dict[str, bytes],
    tmp_path: Path,
    loss: Callable[[Nodes], Any],
) -> None:
    out = tmp_path / "out"
    job = segserve("segment", pictures, "--out", out, "--output", "mask,json", f"--ray={nodes.address}", "--json")
    block_until(job, lambda: masks(out) >= 20)
    assert masks(out) < PICTURES
    loss(nodes)
    assert json.loads(ended(job))["done"] == PICTURES  # whatever Ray says of the loss
    check(out, pictures, plain)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
def test_a_driver_that_ends_is_gone_on_from(
    segserve: Segserve,
    nodes: Nodes,
    pictures: Path,
    plain: dict[str, bytes],
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    out = tmp_path / "out"
    command = ("segment", pictures, "--out", out, "--output", "mask,json", f"--ray={nodes.address}", "--json")
    job = segserve(*command)
    block_until(job, lambda: list((out / ".segserve" / "done").glob("*.jsonl")))
    job.send_signal(number)
    ended(job, -9 if number == signal.SIGKILL else 130)
    summary = json.loads(ended(segserve(*command)))
    assert 0 < summary["resumed"] < PICTURES
    check(out, pictures, plain)


def test_an_address_where_no_cluster_is(segserve: Segserve, pictures: Path, tmp_path: Path) -> None:
    job = segserve("segment", pictures, "--out", tmp_path / "out", "--ray=127.0.0.1:9")
    stdout, stderr = job.communicate(timeout=240)
    assert (job.returncode, stdout) == (1, "")
    assert "segserve: Ray at 127.0.0.1:9 cannot be reached" in stderr
