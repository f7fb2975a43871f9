"""Senders without work: one is woken for one delivery, all of them when the rules changed."""

from __future__ import annotations

import asyncio


class Sleepers:
    """An event would wake every idle sender for each delivery, to find it taken."""

    def __init__(self) -> None:
        self._futures: list[asyncio.Future[None]] = []

    async def sleep(self, seconds: float | None) -> None:
        """Until woken, or at most this long; None: however long."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        timer = None if seconds is None else loop.call_later(seconds, self._wake, future)
        self._futures.append(future)
        try:
            await future
        finally:
            if timer is not None:
                timer.cancel()
            if future.cancelled():
                self._futures.remove(future)

    def wake_one(self) -> None:
        if self._futures:
            self._wake(self._futures[-1])

    def wake_all(self) -> None:
        for future in tuple(self._futures):
            self._wake(future)

    def _wake(self, future: asyncio.Future[None]) -> None:
        if future in self._futures:
            self._futures.remove(future)
        if not future.done():
            future.set_result(None)
