import pytest

from app.core.errors import OverloadedError
from app.inference.budget import PixelBudget


def test_what_is_claimed_comes_back() -> None:
    budget = PixelBudget(100)
    with budget.ticket() as claim:
        claim(60)
        claim(40)
        assert budget.taken == 100
    assert budget.taken == 0


def test_no_more_than_the_limit() -> None:
    budget = PixelBudget(100)
    with budget.ticket() as claim, budget.ticket() as other:
        claim(60)
        with pytest.raises(OverloadedError, match="with 60 pixels are being worked on; with these 41"):
            other(41)
        assert budget.taken == 60
        other(40)
    assert budget.taken == 0
