from collections.abc import Callable

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


def test_the_message_says_what_is_allowed(clock: list[float]) -> None:
    bucket = Bucket(2_500_000.0, 1.0, "pixels")
    bucket.take(1)
    with pytest.raises(TooManyRequestsError, match=r"^this key may use 2,500,000 pixels a second; try again in 1 s$"):
        bucket.take(1)
