import ctypes
from typing import Any

import pytest

from app.inference.devices import visible_gpus


class Driver:
    """Stands in for libcuda, which is only there beside a GPU."""

    def __init__(self, init: int, count: int, gpus: int) -> None:
        self._init = init
        self._count = count
        self._gpus = gpus

    def cuInit(self, flags: int) -> int:  # noqa: N802  # libcuda's name
        return self._init + flags

    def cuDeviceGetCount(self, count: Any) -> int:  # noqa: N802  # libcuda's name; a pointer has no type
        ctypes.cast(count, ctypes.POINTER(ctypes.c_int))[0] = self._gpus
        return self._count


@pytest.mark.parametrize(
    ("driver", "gpus"),
    [
        (Driver(init=0, count=0, gpus=3), 3),
        (Driver(init=0, count=0, gpus=0), 0),
        (Driver(init=100, count=0, gpus=3), 0),
        (Driver(init=0, count=3, gpus=3), 0),
    ],
)
def test_count_of_the_driver(driver: Driver, gpus: int) -> None:
    asked = []

    def load(name: str) -> Driver:
        asked.append(name)
        return driver

    assert visible_gpus(load) == gpus
    assert asked == ["libcuda.so.1"]


def test_without_the_driver_there_is_none() -> None:
    def load(name: str) -> Driver:
        raise OSError(f"{name}: cannot open shared object file")

    assert visible_gpus(load) == 0


def test_hidden_gpus_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_gpus() == 0
