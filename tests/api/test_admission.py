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
