import pytest

from app.api.admission import Admission
from app.core.errors import OverloadedError


def test_no_more_than_the_limit_are_inside() -> None:
    admission = Admission(2)
    with admission.slot(), admission.slot():
        with pytest.raises(OverloadedError, match="2 requests"), admission.slot():
            pass
        assert admission.admitted == 2
    assert admission.admitted == 0


def test_a_place_is_free_again_after_a_failure() -> None:
    admission = Admission(1)
    with pytest.raises(ZeroDivisionError), admission.slot():
        raise ZeroDivisionError
    with admission.slot():
        assert admission.admitted == 1


def test_retry_after_is_how_long_the_last_requests_stayed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("app.api.admission.time.monotonic", lambda: clock[0])
    admission = Admission(1)
    assert admission.retry_after == 1
    for stay, expected in ((2.5, 2), (2.5, 3), (2.5, 3), (1000, 3), (1000, 3), (1000, 3), (1000, 60)):
        with admission.slot():
            clock[0] += stay
        assert admission.retry_after == expected
    with admission.slot(), pytest.raises(OverloadedError) as refused, admission.slot():
        pass
    assert refused.value.retry_after == 60


def test_the_budgets_refusal_says_it_too() -> None:
    admission = Admission(1)
    with pytest.raises(OverloadedError), admission.slot():
        raise OverloadedError("pixels", retry_after=50)
    with pytest.raises(OverloadedError) as refused, admission.slot():
        raise OverloadedError("pixels", retry_after=50)
    assert refused.value.retry_after == 1
