import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from app.core.concurrency import side_by_side
from tests.fixtures.waiting import until

pytestmark = pytest.mark.anyio


class Works:
    """Each waits for its gate; 2 fails."""

    def __init__(self, count: int) -> None:
        self.gates = [asyncio.Event() for _ in range(count)]
        self.begun: list[int] = []
        self.cancelled: list[int] = []

    def __iter__(self) -> Iterator[Coroutine[Any, Any, int]]:
        return (self._work(number) for number in range(len(self.gates)))

    async def _work(self, number: int) -> int:
        self.begun.append(number)
        try:
            await self.gates[number].wait()
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        if number == 2:
            raise ValueError("two")
        return number


async def test_results_come_as_they_are_ready_and_no_more_run_than_asked() -> None:
    works = Works(5)
    found = side_by_side(works, 2)
    works.gates[1].set()
    assert await anext(found) == 1
    assert works.begun == [0, 1]
    works.gates[0].set()
    assert await anext(found) == 0
    assert works.begun == [0, 1, 2]
    await found.aclose()
    assert works.cancelled == [2]


async def test_an_error_comes_after_the_results_that_were_ready_with_it() -> None:
    works = Works(4)
    found: list[int] = []

    async def collect() -> None:
        async for number in side_by_side(works, 4):
            found.append(number)

    collecting = asyncio.create_task(collect())
    await until(lambda: len(works.begun) == 4)
    for gate in works.gates[:3]:
        gate.set()
    with pytest.raises(ValueError, match="two"):
        await collecting
    assert sorted(found) == [0, 1]
    assert works.cancelled == [3]


async def test_of_nothing_comes_nothing() -> None:
    assert [number async for number in side_by_side(Works(0), 1)] == []
