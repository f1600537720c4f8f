import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from app.inference.turns import Turn, Turns

PATIENCE = 30  # seconds until a test that hangs fails


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What `time.perf_counter` says."""
    times = [0.0]
    monkeypatch.setattr("app.inference.turns.time.perf_counter", lambda: times[0])
    return times


class Calls:
    """Calls that a test begins and ends, one thread each."""

    def __init__(self, turns: Turns, threads: ThreadPoolExecutor) -> None:
        self._turns, self._threads = turns, threads
        self._ends: list[tuple[threading.Event, Future[None]]] = []

    def begin(self) -> Turn:
        """The turn of another call."""
        begun: Future[Turn] = Future()
        end = threading.Event()

        def call() -> None:
            with self._turns.taken() as turn:
                begun.set_result(turn)
                assert end.wait(PATIENCE)

        self._ends.append((end, self._threads.submit(call)))
        return begun.result(PATIENCE)

    def end(self, number: int) -> None:
        """Ends a call, counted from 0."""
        end, done = self._ends[number]
        end.set()
        done.result(PATIENCE)


@pytest.fixture
def calls(clock: list[float]) -> Calls:
    """Into an engine of two streams."""
    return Calls(Turns(2), ThreadPoolExecutor(5))


def test_a_call_more_than_streams_begins_when_one_ends(calls: Calls, clock: list[float]) -> None:
    first, second = calls.begin(), calls.begin()
    clock[0] = 1.0
    third, fourth = calls.begin(), calls.begin()
    clock[0] = 2.0
    calls.end(1)
    clock[0] = 3.0
    calls.end(0)
    for number in (3, 2):
        calls.end(number)
    assert [turn.begun for turn in (first, second, third, fourth)] == [0.0, 0.0, 2.0, 3.0]


def test_free_streams_are_taken_at_once(calls: Calls, clock: list[float]) -> None:
    for number in range(3):
        calls.begin()
        calls.end(number)
    clock[0] = 5.0
    assert [calls.begin().begun, calls.begin().begun] == [5.0, 5.0]
    clock[0] = 6.0
    third = calls.begin()
    for number in (3, 4, 5):
        calls.end(number)
    assert third.begun == 6.0


def test_a_call_may_be_done_before_the_one_whose_place_it_took_says_so(calls: Calls, clock: list[float]) -> None:
    calls.begin(), calls.begin()
    third = calls.begin()
    clock[0] = 1.0
    calls.end(2)
    assert third.begun == 1.0
    clock[0] = 2.0
    fourth = calls.begin()
    clock[0] = 3.0
    calls.end(0)
    assert fourth.begun == 3.0  # the third one's place was the first one's
    for number in (1, 3):
        calls.end(number)
    assert [calls.begin().begun, calls.begin().begun] == [3.0, 3.0]
    for number in (4, 5):
        calls.end(number)


def test_a_call_that_fails_gives_its_place_back(clock: list[float]) -> None:
    turns = Turns(1)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"), turns.taken():
            raise ValueError("no")
    clock[0] = 1.0
    with turns.taken() as turn:
        assert turn.begun == 1.0
        assert turns._free == 0
