"""A connection to the store that breaks between a commit and its answer: nothing waits for ever, nothing overtakes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import StoreError
from engine.ports.connector import Verdict
from engine.ports.journal import Appended, NewMessage, Outcome, Settlement
from engine.ports.states import DeliveryState
from engine.store.journal import SqlJournal
from tests.support.engine_room import FAST, Far, room, row
from tests.support.stores import Driver, drive, settlement, store

__all__ = ["drive", "store"]

LOST = StoreError("the answer was lost")


class Unanswered:
    """A journal that commits, and whose answers are lost as often as `appends` and `finishes` say."""

    def __init__(self, journal: SqlJournal) -> None:
        self._journal = journal
        self.appends, self.finishes = 0, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def append(self, message: NewMessage, done: Callable[[Appended | Exception], None]) -> None:
        if self.appends:
            self.appends -= 1
            self._journal.append(message, lambda answer: done(LOST))
        else:
            self._journal.append(message, done)

    def finish(self, outcomes: Sequence[Outcome], done: Callable[[Exception | None], None]) -> None:
        if self.finishes:
            self.finishes -= 1
            self._journal.finish(outcomes, lambda answer: done(LOST))
        else:
            self._journal.finish(outcomes, done)


class Between:
    """Remembers the journal that it made."""

    journal: Unanswered

    def __call__(self, journal: SqlJournal) -> Unanswered:
        self.journal = Unanswered(journal)
        return self.journal


def keyed() -> Any:
    return row(destinations=[{"name": "out", "type": "far", "order_by": "key"} | FAST])


async def test_a_message_that_was_stored_unanswered_is_delivered_once_and_before_later_ones(tmp_path: Path) -> None:
    between = Between()
    async with room(tmp_path, keyed(), between=between) as here:
        between.journal.appends = 1
        with pytest.raises(StoreError):
            await here.receive(b'{"key": "k", "n": 0}', "id-0")
        again = await here.receive(b'{"key": "k", "n": 0}', "id-0")
        for n in range(1, 20):
            await here.receive(b'{"key": "k", "n": %d}' % n, f"id-{n}")
        await here.until(lambda: len(here.far["out"].arrived) == 20)

    assert again.verdict is Verdict.DUPLICATE
    assert here.far["out"].bodies == [b'{"key": "k", "n": %d}' % n for n in range(20)]


async def test_a_message_that_was_stored_unanswered_does_not_wait_for_its_sender(tmp_path: Path) -> None:
    between = Between()
    async with room(tmp_path, keyed(), between=between) as here:
        between.journal.appends = 1
        with pytest.raises(StoreError):
            await here.receive(b'{"key": "k", "n": 0}', "id-0")
        await here.until(lambda: len(here.far["out"].arrived) == 1)

    assert here.far["out"].bodies == [b'{"key": "k", "n": 0}']


async def test_deliveries_that_were_queued_unanswered_go_out_once_and_before_later_ones(tmp_path: Path) -> None:
    between = Between()
    async with room(tmp_path, keyed(), between=between) as here:
        between.journal.finishes = 1
        for n in range(40):
            await here.receive(b'{"key": "k", "n": %d}' % n)
            await asyncio.sleep(0.005)
        await here.until(lambda: len(here.far["out"].arrived) == 40)

    assert here.far["out"].bodies == [b'{"key": "k", "n": %d}' % n for n in range(40)]


async def test_outcomes_that_were_not_written_are_not_overtaken(tmp_path: Path) -> None:
    class Failing(Unanswered):
        def finish(self, outcomes: Sequence[Outcome], done: Callable[[Exception | None], None]) -> None:
            if self.finishes:
                self.finishes -= 1
                asyncio.get_running_loop().call_soon(done, LOST)
            else:
                self._journal.finish(outcomes, done)

    made: list[Failing] = []
    far = Far()

    def between(journal: SqlJournal) -> Failing:
        made.append(Failing(journal))
        return made[0]

    async with room(tmp_path, keyed(), {"out": far}, between) as here:
        made[0].finishes = 2
        for n in range(40):
            await here.receive(b'{"key": "k", "n": %d}' % n)
            await asyncio.sleep(0.005)
        await here.until(lambda: len(far.arrived) == 40)

    assert far.bodies == [b'{"key": "k", "n": %d}' % n for n in range(40)]


async def test_the_end_of_an_attempt_written_late_does_not_undo_the_next_one(drive: Driver) -> None:
    message_id, waiting = await drive.queued("erp")
    first = settlement(waiting[0], DeliveryState.QUEUED)
    second = settlement(waiting[0], DeliveryState.SENDING, attempts=first.attempts + 1)
    await drive.settling(second)
    await drive.settling(first)
    found: list[Settlement | Any] = await drive.waiting("erp", message_id)

    assert found[0].state is DeliveryState.SENDING
    assert found[0].attempts == second.attempts
