"""What may wait a moment is handed on together: a transaction costs more than what it writes (tests/bench)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
GATHER_SECONDS, GATHERED = 0.005, 64  # the longest that one waits, and how many are handed on at the latest


class Gathering(Generic[T]):
    """`hand_on` gets what came within a moment, in order."""

    def __init__(self, hand_on: Callable[[list[T]], None]) -> None:
        self._hand_on = hand_on
        self._gathered: list[T] = []
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._gathered)

    def add(self, one: T, hurry: bool) -> None:
        """`hurry`: somebody waits for it, or nothing else will come."""
        self._gathered.append(one)
        if hurry or len(self._gathered) >= GATHERED:
            self.hand_on()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_SECONDS, self.hand_on)

    def hand_on(self) -> None:
        """Now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        gathered, self._gathered = self._gathered, []
        if gathered:
            self._hand_on(gathered)
