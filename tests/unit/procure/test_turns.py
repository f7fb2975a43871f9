"""What comes while a turn is under way is taken by the next one, all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from engine.core.errors import DocumentError, StoreError
from engine.procure.turns import Turns


class Work:
    """Waits to be let go on; refuses what it is told to."""

    def __init__(self, **refused: Exception) -> None:
        self.refused, self.turns = refused, list[list[str]]()
        self.may_go_on = asyncio.Event()

    async def __call__(self, some: Sequence[str]) -> None:
        self.turns.append(list(some))
        await self.may_go_on.wait()
        for one in some:
            if one in self.refused:
                raise self.refused[one]


async def offered(turns: Turns[str], names: str) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(turns.offer(name)) for name in names]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def outcomes(work: Work, tasks: Sequence[asyncio.Task[None]]) -> list[type[BaseException] | None]:
    work.may_go_on.set()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    return [type(one) if isinstance(one, BaseException) else None for one in told]


async def test_what_comes_alone_is_taken_at_once_and_the_rest_together() -> None:
    work = Work()
    turns = Turns(work)
    tasks = await offered(turns, "a") + await offered(turns, "b") + await offered(turns, "cdefg")

    assert await outcomes(work, tasks) == [None] * 7
    assert work.turns == [["a"], ["b"], ["c", "d", "e", "f", "g"]]


async def test_one_that_cannot_be_taken_fails_alone() -> None:
    work = Work(d=DocumentError("odd"))
    turns = Turns(work)
    tasks = await offered(turns, "a") + await offered(turns, "b") + await offered(turns, "cde")

    assert await outcomes(work, tasks) == [None, None, None, DocumentError, None]
    assert work.turns[2:] == [["c", "d", "e"], ["c"], ["d"], ["e"]]


async def test_a_store_that_refuses_is_not_asked_for_each() -> None:
    gone = StoreError("the database is away")
    work = Work(c=gone, d=gone, e=gone)
    turns = Turns(work)
    tasks = await offered(turns, "a") + await offered(turns, "b") + await offered(turns, "cde")

    assert await outcomes(work, tasks) == [None, None, StoreError, StoreError, StoreError]
    assert work.turns[2:] == [["c", "d", "e"], ["c"]]


async def test_who_stops_waiting_does_not_take_it_back() -> None:
    work = Work()
    turns = Turns(work)
    first, second, third = await offered(turns, "abc")
    third.cancel()
    await asyncio.sleep(0)

    assert await outcomes(work, (first, second)) == [None, None]
    with pytest.raises(asyncio.CancelledError):
        await third
    assert [one for turn in work.turns for one in turn] == ["a", "b", "c"]
