"""A run of `segserve train` in a process of its own, interrupted."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from app.training.progress import ESTIMATE_AFTER
from app.training.run import Run
from tests.e2e.process import COVERAGE

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class InterruptedRun:
    """A run that was interrupted, then finished by the same command.

    Args:
        run: its folder, finished.
        left: names of the files and checkpoints that it left behind.
        code: exit code of the interrupted process.
        again: standard error of the process that finished it.
    """

    run: Run
    left: frozenset[str]
    code: int
    again: str


def environment() -> dict[str, str]:
    """This one's, with as many threads as TensorFlow has in this process: their number shows in the last bit.

    Coverage is not measured there: whoever is killed writes none, and the rest runs in this process as well.
    """
    import tensorflow

    threads = tensorflow.config.threading
    inherited = {name: value for name, value in os.environ.items() if name != COVERAGE}
    return inherited | {
        "TF_NUM_INTRAOP_THREADS": str(threads.get_intra_op_parallelism_threads()),
        "TF_NUM_INTEROP_THREADS": str(threads.get_inter_op_parallelism_threads()),
    }


def train(config: Path, data: Path, folder: Path) -> "subprocess.Popen[str]":
    """Starts the command."""
    command = [sys.executable, "-m", "app.cli", "train", str(config), "--data", str(data), "--run", str(folder)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment(), encoding="utf-8")


def interrupted_and_finished(config: Path, data: Path, run: Run) -> InterruptedRun:
    """Interrupts the run as soon as it says that it has done 20 steps; it's a few steps further by then.

    Args:
        config: with a checkpoint within the first 20 steps, and many more to go.
        data: of the run.
        run: a new folder.
    """
    with train(config, data, run.folder) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if f"over the first {ESTIMATE_AFTER} steps" in line:
                break
        process.send_signal(signal.SIGINT)
        code = process.wait()
    left = {path.relative_to(run.folder).as_posix() for path in run.folder.rglob("*")}
    with train(config, data, run.folder) as process:
        _, again = process.communicate()
    assert process.returncode == 0, again
    return InterruptedRun(run, frozenset(left), code, again)
