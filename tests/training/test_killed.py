"""Commands killed without warning, in the middle of what they do; done again, they end as if nothing had been."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from app.store.repository import ModelStore
from app.training.run import Run
from tests.training.conftest import SERVED_SIZE, PublishedRun
from tests.training.equal_runs import require_equal
from tests.training.interrupted_run import ROOT, environment

PROGRAM = """
import os, signal, sys
fragment, count = sys.argv[1], int(sys.argv[2])
real = os.fsync

def fsync(file):
    global count
    count -= fragment in os.readlink(f"/proc/self/fd/{file}")
    if count < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    real(file)

os.fsync = fsync
from app.cli import main
main(sys.argv[3:])
"""
"""`segserve`, killed before it brings to disk the (count + 1)-th file whose path has the fragment in it."""
NEVER = 10**9
KILLED = -9


def segserve(fragment: str, count: int, *arguments: str | Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", PROGRAM, fragment, str(count), *map(str, arguments)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment(), encoding="utf-8")


def killed(fragment: str, count: int, *arguments: str | Path) -> str:
    """What a process said that was killed so."""
    with segserve(fragment, count, *arguments) as process:
        _, said = process.communicate()
    assert process.returncode == KILLED, said
    return said


def finish(*arguments: str | Path) -> None:
    """A process that nobody kills."""
    with segserve("", NEVER, *arguments) as process:
        _, said = process.communicate()
    assert process.returncode == 0, said


def test_training_killed_in_every_phase_and_at_random_moments(
    data: Path, config_file: Path, finished: Run, tmp_path: Path
) -> None:
    """The run goes on after each kill; at the end it is bit for bit the unbroken one."""
    run = Run(tmp_path / "run")
    command = ("train", config_file, "--data", data, "--run", run.folder)
    killed("checkpoints/.step-000000016", 1, *command)
    assert [path.name for path in sorted(run.checkpoints.iterdir())] == [".step-000000016", "step-000000008"]
    said = killed(".last.keras", 0, *command)
    assert "22 pictures to train on, 6 to validate on; step 8 of 40" in said
    assert run.best_network.exists()
    assert not run.last_network.exists()
    random = np.random.default_rng()
    moments = random.uniform(0.5, 12, 2).tolist()  # seconds: while it imports, reads, trains, or after its end
    for seconds in moments:
        with segserve("", NEVER, *command) as process:
            try:
                process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
    finish(*command)
    require_equal(run, finished)


def test_publishing_killed_leaves_the_store_as_it_was(
    data: Path, finished: Run, published: PublishedRun, tmp_path: Path
) -> None:
    """However often; then it is published as if nothing had been."""
    store = ModelStore(tmp_path / "store")
    options = ("--name", "pets", "--size", str(SERVED_SIZE), "--alias", "production", "--model-store", store.root)
    command = ("publish", finished.folder, "--data", data, *options)
    for fragment, count in ((".tmp-", 0), (".tmp-", 3), ("manifest.json", 0)):
        killed(fragment, count, *command)
        assert store.versions("pets") == []
        assert store.aliases("pets") == {}
    finish(*command)
    version = store.resolve("pets:production")
    manifest = store.verify(version)
    expected = published.store.manifest(published.store.resolve("pets"))
    assert manifest.metrics["test"].mean_iou == pytest.approx(expected.metrics["test"].mean_iou, abs=1e-4)
    assert {path.name for path in (store.root / "pets").iterdir()} <= {
        str(version.version),
        "aliases.json",
        ".lock",
    } | {path.name for path in (published.store.root / "pets").iterdir()}
