"""Sources that answer after delivery wait here for their message to settle."""

from __future__ import annotations

import asyncio

from engine.ports.connector import Settled


class Waiters:
    """A message settles once: delivered, filtered, or waiting for a person."""

    def __init__(self) -> None:
        self._futures: dict[int, asyncio.Future[Settled]] = {}

    @property
    def any(self) -> bool:
        return bool(self._futures)

    def wait(self, message_id: int) -> asyncio.Future[Settled]:
        future: asyncio.Future[Settled] = asyncio.get_running_loop().create_future()
        self._futures[message_id] = future
        future.add_done_callback(lambda _: self._futures.pop(message_id, None))
        return future

    def settle(self, message_id: int, settled: Settled) -> None:
        if not self._futures:
            return
        future = self._futures.get(message_id)
        if future is not None and not future.done():
            future.set_result(settled)
