from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.api.limits import Bucket
from app.core.errors import TooManyRequestsError


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A monotonic clock that shows its first number."""
    now = [1000.0]
    monkeypatch.setattr("app.api.limits.time.monotonic", lambda: now[0])
    return now


def refused(take: Callable[[float], None], amount: float) -> int:
    """After how many seconds to come again."""
    with pytest.raises(TooManyRequestsError) as error:
        take(amount)
    assert f"try again in {error.value.retry_after} s" in error.value.detail
    return error.value.retry_after


def test_a_full_bucket_then_its_rate(clock: list[float]) -> None:
    bucket = Bucket(2.0, 3.0, "requests")
    for _ in range(3):
        bucket.take(1)
    assert refused(bucket.take, 1) == 1
    clock[0] += 0.25
    assert refused(bucket.take, 1) == 1
    clock[0] += 0.25
    bucket.take(1)
    assert refused(bucket.take, 1) == 1
    clock[0] += 3600
    for _ in range(3):
        bucket.take(1)
    assert refused(bucket.take, 1) == 1


@pytest.mark.parametrize(("rate", "seconds"), [(4.0, 1), (1.0, 1), (0.5, 2), (0.4, 3), (0.01, 100)])
def test_it_says_in_whole_seconds_when_there_is_enough(clock: list[float], rate: float, seconds: int) -> None:
    bucket = Bucket(rate, 1.0, "requests")
    bucket.take(1)
    assert refused(bucket.take, 1) == seconds
    clock[0] += seconds
    bucket.take(1)


def test_who_is_refused_pays_nothing(clock: list[float]) -> None:
    bucket = Bucket(1.0, 1.0, "requests")
    bucket.take(1)
    for _ in range(100):
        refused(bucket.take, 1)
    clock[0] += 1
    bucket.take(1)


def test_what_no_bucket_holds_is_lent_and_waited_for(clock: list[float]) -> None:
    bucket = Bucket(10.0, 10.0, "pixels")
    bucket.borrow(45)
    assert refused(bucket.borrow, 1) == 4
    assert refused(bucket.borrow, 0) == 4
    clock[0] += 3.25
    assert refused(bucket.borrow, 0) == 1
    clock[0] += 0.25
    bucket.borrow(0)
    bucket.borrow(10)
    assert refused(bucket.borrow, 0) == 1


def test_the_message_says_what_is_allowed(clock: list[float]) -> None:
    bucket = Bucket(2_500_000.0, 1.0, "pixels")
    bucket.borrow(2)
    with pytest.raises(TooManyRequestsError, match=r"^this key may use 2,500,000 pixels a second; try again in 1 s$"):
        bucket.borrow(1)


def test_threads_take_no_more_than_there_is(clock: list[float]) -> None:
    bucket = Bucket(1.0, 500.0, "requests")

    def taken(_: int) -> bool:
        try:
            bucket.take(1)
        except TooManyRequestsError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(taken, range(2000))) == 500
