"""What is offered while a turn is under way waits, and the next turn takes all of it.

So under load work is done together, at the cost of one.

A document that comes alone is taken at once. One that cannot be taken fails alone: a turn that fails is gone through
again, one by one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from engine.core.errors import StoreError

T = TypeVar("T")
_AT_MOST = 256  # of one turn
_AT_ONCE = 2  # turns: one decides while the other is written down


class _Offered(NamedTuple, Generic[T]):
    what: T
    done: asyncio.Future[None]


class Turns(Generic[T]):
    """
    Args:
        work: takes all of it, or raises and has taken nothing.
    """

    def __init__(self, work: Callable[[Sequence[T]], Awaitable[None]]) -> None:
        self._work = work
        self._waiting: deque[_Offered[T]] = deque()
        self._under_way: set[asyncio.Task[None]] = set()

    async def offer(self, what: T) -> None:
        """Returns when it was taken; raises what the work raises for it. Who stops waiting does not take it back."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append(_Offered(what, done))
        if len(self._under_way) < _AT_ONCE:
            task = asyncio.create_task(self._run())
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        await done

    async def _run(self) -> None:
        while self._waiting:
            turn = [self._waiting.popleft() for _ in range(min(len(self._waiting), _AT_MOST))]
            await self._together(turn)

    async def _together(self, turn: Sequence[_Offered[T]]) -> None:
        try:
            await self._work([one.what for one in turn])
        except Exception as error:
            if len(turn) == 1:
                _tell(turn, error)
            else:
                await self._singly(turn)
        else:
            _tell(turn)

    async def _singly(self, turn: Sequence[_Offered[T]]) -> None:
        for count, one in enumerate(turn):
            try:
                await self._work([one.what])
            except StoreError as error:  # it would refuse the others too
                _tell(turn[count:], error)
                return
            except Exception as error:
                _tell([one], error)
            else:
                _tell([one])


def _tell(turn: Sequence[_Offered[T]], error: Exception | None = None) -> None:
    for one in turn:
        if one.done.done():  # nobody waits for it any more
            continue
        if error is None:
            one.done.set_result(None)
        else:
            one.done.set_exception(error)
