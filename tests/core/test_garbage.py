import gc
import weakref
from collections.abc import Iterator

import pytest

from app.core import garbage


class Cycle:
    """Holds itself."""

    def __init__(self) -> None:
        self.itself = self


def dropped() -> "weakref.ref[Cycle]":
    return weakref.ref(Cycle())


@pytest.fixture(autouse=True)
def afterwards() -> Iterator[None]:
    """Nothing is spared but by the test."""
    gc.unfreeze()
    gc.collect()
    yield
    gc.unfreeze()
    gc.enable()


def test_what_is_made_in_the_block_is_not_looked_at() -> None:
    with garbage.sparing():
        assert not gc.isenabled()
        cycle = dropped()
    assert gc.isenabled()
    gc.collect()
    assert cycle() is not None


def test_the_collector_goes_on_where_the_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), garbage.sparing():
        _ = 1 / 0
    assert gc.isenabled()


def test_what_comes_is_spared_without_its_garbage() -> None:
    cycle, held = dropped(), Cycle()
    garbage.spare()
    assert cycle() is None
    spared = weakref.ref(held)
    del held
    gc.collect()
    assert spared() is not None


def test_all_garbage_is_freed_and_the_rest_spared_again() -> None:
    held = Cycle()
    garbage.spare()
    before, cycle = gc.get_freeze_count(), weakref.ref(held)
    del held
    garbage.collect()
    assert cycle() is None
    assert 0 < gc.get_freeze_count() < before + 1000


def test_nothing_is_spared_where_nothing_was() -> None:
    cycle = dropped()
    garbage.collect()
    assert cycle() is None
    assert gc.get_freeze_count() == 0
