"""From a broker into the journal: in order, many under way, acknowledged in order, and only what is safe.

While the store refuses, nothing further is handed to it; what failed is handed over again, in order, and stays
unacknowledged meanwhile, so that a crash costs nothing and the broker does not count it as delivered again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Protocol

from engine.connectors.brokers.shared import Item, Reading, digest, go_on, is_refused
from engine.core.errors import DestinationError, StoreError, UnstorableError
from engine.ports.connector import Accept, Reason, Receipt, Received

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 30.0  # seconds, between tries while the store refuses
_LOOK_AGAIN = 0.02  # seconds, while the journal is behind


class Line(Protocol):
    """The broker's side of what was taken."""

    async def acknowledge(self, items: Sequence[Item]) -> None:
        """In order. Raises TransportError when the server is gone."""
        ...

    async def dead_letter(self, item: Item, reason: Reason) -> None:
        """Give it, as it came, to those who look after refused messages; returns when it is safe, or none is set.

        Raises:
            TransportError: the server is gone.
            DestinationError: it does not take it.
        """
        ...

    def trouble(self, text: str | None) -> None:
        """Told when the store begins or ends (None) to refuse, and when a dead letter finds no place."""
        ...


class _Entry:
    """One message of the broker on its way."""

    __slots__ = ("item", "left", "messages", "outcomes", "submitted")

    def __init__(self, item: Item, messages: list[Received]) -> None:
        self.item, self.messages = item, messages
        self.outcomes: list[Receipt | Exception | None] = [None] * len(messages)
        self.left, self.submitted = len(messages), False

    @property
    def failure(self) -> Exception | None:
        return next((one for one in self.outcomes if isinstance(one, Exception)), None)

    @property
    def refusal(self) -> Reason | None:
        for one in self.outcomes:
            if not isinstance(one, Exception) and one is not None and is_refused(one):
                return one.reason or Reason("M001", "refused")
        return None


class Taking:
    """One session's way into the journal. `items` under way are at most `parallel`, plus what was asked for."""

    def __init__(self, accept: Accept, reading: Reading, line: Line, parallel: int) -> None:
        self._accept, self._reading, self._line, self._parallel = accept, reading, line, parallel
        self._waiting: deque[_Entry] = deque()
        self._changed = asyncio.Event()
        self._freed = asyncio.Event()
        self._blocked = False  # the store refuses: nothing more is handed to it
        self._held = False  # some wait because the journal is behind, or the store refuses

    @property
    def under_way(self) -> list[Item]:
        """Taken and not yet acknowledged."""
        return [entry.item for entry in self._waiting]

    def free(self) -> int:
        """How many more may be taken now."""
        if self._blocked or self._accept.backlogged:
            return 0
        return max(0, self._parallel - len(self._waiting))

    async def room(self, asked: int = 0) -> int:
        """How many more may be asked of the broker; waits until there is room and the journal keeps up.

        `asked`: those that it was asked for and has not sent yet.
        """
        while True:
            free = self._parallel - len(self._waiting) - asked
            if self._accept.backlogged:
                await asyncio.sleep(_LOOK_AGAIN)
            elif not self._blocked and free >= max(1, self._parallel // 4):
                return free
            else:
                self._freed.clear()
                await self._freed.wait()

    def take(self, item: Item) -> None:
        """Hand it to the journal; `settling` does the rest."""
        entry = _Entry(item, self._reading.messages(item))
        self._waiting.append(entry)
        if self._blocked or self._held or self._accept.backlogged:
            self._held = True  # behind the others; not acknowledged, so that the broker stops sending
            self._changed.set()
        else:
            self._submit(entry)

    async def settling(self) -> None:
        """Acknowledge what is safe, until cancelled."""
        while True:
            go_on()
            self._changed.clear()
            head = self._waiting[0] if self._waiting else None
            if head is not None and self._blocked:
                await self._try_again()
            elif self._held:
                await self._hand_over()
            elif head is not None and head.submitted and not head.left:
                await self._settle()
            else:
                await self._changed.wait()

    # -------------------------------------------------------------- into the journal
    async def _hand_over(self) -> None:
        """What had to wait, in order, when the journal has caught up."""
        while self._accept.backlogged:
            await asyncio.sleep(_LOOK_AGAIN)
        self._held = False
        for entry in self._waiting:
            if not entry.submitted:
                self._submit(entry)

    def _submit(self, entry: _Entry) -> None:
        entry.submitted = True
        for place, outcome in enumerate(entry.outcomes):
            if outcome is None:
                self._accept.submit(entry.messages[place], partial(self._done, entry, place))

    def _done(self, entry: _Entry, place: int, outcome: Receipt | Exception) -> None:
        entry.outcomes[place] = outcome
        entry.left -= 1
        if isinstance(outcome, Exception) and not isinstance(outcome, UnstorableError):
            self._blocked = True
        self._changed.set()

    async def _try_again(self) -> None:
        """Until the store takes the first that failed; then all others, in order. Nothing new passes them."""
        pause, told = _FIRST_PAUSE, False
        while (failed := await self._first_failed()) is not None:
            if not told:
                self._line.trouble(f"the store refuses: {_code(failed.failure)}")
                told = True
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            self._again(failed)
            await self._ended(failed)
            if not _may_pass(failed.failure):
                break
        self._blocked = self._held = False
        self._line.trouble(None)
        for entry in self._waiting:
            if not entry.submitted or _may_pass(entry.failure):
                self._again(entry)
        self._freed.set()

    async def _first_failed(self) -> _Entry | None:
        """When nothing is under way any more."""
        for entry in [*self._waiting]:
            if entry.submitted:
                await self._ended(entry)
        failed = next((entry for entry in self._waiting if _may_pass(entry.failure)), None)
        if failed is not None and not isinstance(failed.failure, StoreError):
            raise failed.failure or AssertionError
        return failed

    async def _ended(self, entry: _Entry) -> None:
        while entry.left:
            self._changed.clear()
            await self._changed.wait()

    def _again(self, entry: _Entry) -> None:
        entry.outcomes = [one if isinstance(one, Receipt) else None for one in entry.outcomes]
        entry.left = sum(1 for one in entry.outcomes if one is None)
        self._submit(entry)

    # -------------------------------------------------------------- to the broker
    async def _settle(self) -> None:
        """All at the head that have come to an end."""
        done: list[Item] = []
        for entry in [*self._waiting]:
            if not entry.submitted or entry.left or self._blocked:
                break
            if isinstance(entry.failure, UnstorableError):
                await self._unstorable(entry, entry.failure)
            if entry.refusal is not None:
                await self._dead_letter(entry)
            done.append(entry.item)
        if done:
            await self._line.acknowledge(done)
            for _ in done:
                self._waiting.popleft()
            self._freed.set()

    async def _dead_letter(self, entry: _Entry) -> None:
        try:
            await self._line.dead_letter(entry.item, entry.refusal or Reason("M001", "refused"))
        except DestinationError as error:  # the journal keeps it as REFUSED; it must not stop the others
            self._line.trouble(f"dead_letter: {error.what}")

    async def _unstorable(self, entry: _Entry, error: UnstorableError) -> None:
        """Kept as REFUSED under a plain id, without what the database may have minded.

        Raises:
            UnstorableError: it does not take that, either.
        """
        item = entry.item
        plain = Item(item.body, None, item.handle, message_id=f"body:{digest(item.body)}")
        received = self._reading.refused(plain, Reason(error.code, error.what, error.where, error.remedy))
        entry.messages, entry.outcomes = [received], [await self._accept(received)]


def _may_pass(failure: Exception | None) -> bool:
    """Worth another try: not when the database minds the very values."""
    return failure is not None and not isinstance(failure, UnstorableError)


def _code(failure: Exception | None) -> str:
    return failure.code if isinstance(failure, StoreError) else type(failure).__name__
