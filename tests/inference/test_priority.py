import errno
import os
import subprocess
import sys
import threading
from contextvars import ContextVar

import pytest

from app.inference.priority import behind_others
from app.inference.selection import is_installed
from app.store.repository import ModelStore

linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is the process that has a priority")


def nice_of(thread: int = 0) -> int:
    """Of a thread by its native id; 0: the caller's."""
    return os.getpriority(os.PRIO_PROCESS, thread or threading.get_native_id())


@linux
def test_the_work_and_what_it_starts_stand_back() -> None:
    asked: ContextVar[str] = ContextVar("asked")
    asked.set("the caller's")
    before, nices = nice_of(), []

    def work() -> str:
        nices.append(nice_of())
        begotten = threading.Thread(target=lambda: nices.append(nice_of()))
        begotten.start()
        begotten.join()
        return asked.get()

    assert behind_others(3, work) == "the caller's"
    assert nices == [min(19, before + 3)] * 2
    assert nice_of() == before


@pytest.mark.parametrize("nice", [0, 3])
def test_what_the_work_raises_is_raised(nice: int) -> None:
    with pytest.raises(ZeroDivisionError):
        behind_others(nice, lambda: 1 / 0)


def test_without_a_difference_the_caller_does_it() -> None:
    assert behind_others(0, threading.get_ident) == threading.get_ident()


def test_on_other_systems_the_caller_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert behind_others(3, threading.get_ident) == threading.get_ident()


@linux
def test_a_sandbox_that_forbids_it_is_told_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def forbid(_: int) -> int:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "nice", forbid)
    assert behind_others(3, lambda: "done") == "done"
    assert caplog.messages == ["the engine's threads keep the priority of all others: Operation not permitted"]


COMPUTE = """
import os, sys
from pathlib import Path
import numpy as np
from app.core.settings import Settings
from app.inference.loaded import load_model
from app.store.repository import ModelStore

def seconds():
    spent = {}
    for thread in Path("/proc/self/task").iterdir():
        try:
            fields = (thread / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        spent[int(thread.name)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return spent

nice, streams = map(int, sys.argv[2:])
settings = Settings(engine="openvino", device="cpu", threads=streams, streams=streams, engine_nice=nice)
model = load_model(ModelStore(Path(sys.argv[1])), "pets", settings)
images = np.zeros((1, *model.manifest.preprocessing.size, 3), np.uint8)
before = seconds()
while sum(seconds().values()) < sum(before.values()) + 0.5:
    model.engine.infer(images)
spent = seconds()
computed = [each for each in spent if each != os.getpid() and spent[each] > before.get(each, 0) + 0.05]
print(*(os.getpriority(os.PRIO_PROCESS, thread) - os.getpriority(os.PRIO_PROCESS, 0) for thread in computed))
"""
"""In a process of its own: OpenVINO keeps the threads of a network that is gone for the next one."""


@linux
@pytest.mark.skipif(not is_installed("openvino"), reason="OpenVINO is an extra")
@pytest.mark.parametrize("streams", [1, 2])
@pytest.mark.parametrize("nice", [0, 3])
def test_threads_that_compute(tiny_store: ModelStore, nice: int, streams: int) -> None:
    command = [sys.executable, "-c", COMPUTE, str(tiny_store.root), str(nice), str(streams)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert set(done.stdout.split()) == {str(nice)}
