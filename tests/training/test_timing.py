import pytest

from app.training.timing import alternate, median_ratio


def test_functions_take_turns() -> None:
    called: list[str] = []
    times = alternate({"a": lambda: called.append("a"), "b": lambda: called.append("b")}, rounds=2)
    assert called == ["a", "b"] * 3
    assert [len(taken) for taken in times.values()] == [2, 2]
    assert min(times["a"] + times["b"]) >= 0


def test_a_ratio_is_taken_round_by_round() -> None:
    assert median_ratio([2.0, 40.0, 3.0], [1.0, 10.0, 3.0]) == pytest.approx(2.0)
