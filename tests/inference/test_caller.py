from app.core.errors import InvalidImageError
from app.inference.caller import NOBODY, Caller
from app.inference.stages import Stage


def test_nobody_wants_to_be_told() -> None:
    NOBODY.claim(10**12)
    NOBODY.tell(InvalidImageError("broken"))
    NOBODY.report(Stage("decode", 0.0, 1.0))


def test_whoever_asks_may_want_some_of_it() -> None:
    claimed: list[int] = []
    caller = Caller(claim=claimed.append)
    caller.claim(7)
    assert claimed == [7]
    assert caller.report is NOBODY.report
