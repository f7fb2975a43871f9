"""A connection to the store that breaks between a commit and its answer: nothing waits for ever, nothing overtakes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import StoreError, UnstorableError
from engine.ports.connector import Verdict
from engine.ports.journal import Appended, NewMessage, Outcome
from engine.ports.states import DeliveryState
from engine.store.journal import SqlJournal
from tests.support.engine_room import FAST, Far, room, row
from tests.support.stores import Driver, settlement

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


class Failing(Unanswered):
    """Fails as a journal does: what was handed in before a failure was told fails with it."""

    untold = 0

    def failure(self, outcomes: Sequence[Outcome]) -> Exception | None:
        self.finishes -= 1
        return LOST if self.finishes >= 0 else None

    def finish(self, outcomes: Sequence[Outcome], done: Callable[[Exception | None], None]) -> None:
        failure = LOST if self.untold else self.failure(outcomes)
        if failure is None:
            self._journal.finish(outcomes, done)
            return

        def tell() -> None:
            done(failure)
            self.untold -= 1

        self.untold += 1
        asyncio.get_running_loop().call_soon(tell)


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


class Refusing(Failing):
    """A database that refuses whatever was made of a message with `poison` in it."""

    def failure(self, outcomes: Sequence[Outcome]) -> Exception | None:
        poisoned = any(b"poison" in document.body for outcome in outcomes for document in outcome.documents)
        return UnstorableError("these values are refused") if poisoned else None


async def test_what_the_store_refuses_is_held_and_the_others_go_on_in_order(tmp_path: Path) -> None:
    def body(n: int) -> bytes:
        return b'{"key": "k", "n": %d, "x": "%s"}' % (n, b"poison" if n in (0, 7, 8) else b"")

    async with room(tmp_path, keyed(), between=Refusing) as here:
        here.run.transformer.paused = True
        ids = [(await here.receive(body(n))).message_id for n in range(30)]
        here.run.transformer.resume()
        held = [await here.reaches(ids[n], "HELD") for n in (0, 7, 8)]
        await here.until(lambda: len(here.far["out"].arrived) == 27)

    assert here.far["out"].bodies == [body(n) for n in range(30) if n not in (0, 7, 8)]
    assert {view.row.reason.code for view in held if view.row.reason} == {"J006"}


KEYS = [rb"a\u0000b", rb"\ud800x", "Größe".encode(), b"x" * 3000]


async def test_any_text_in_keys_is_kept_or_held_and_stops_nobody(store_url: str) -> None:
    deployed = row(index={"key": "key"}, destinations=[{"name": "out", "type": "far", "order_by": "key"} | FAST])
    async with room(store_url, deployed) as here:
        for text in KEYS:
            receipt = await here.receive(b'{"key": "%s"}' % text, text.decode("unicode_escape"))
            await here.reaches(receipt.message_id, "DELIVERED")

    assert len(here.far["out"].arrived) == len(KEYS)


async def test_any_reference_of_the_far_side_is_kept(drive: Driver) -> None:
    message_id, waiting = await drive.queued("erp")
    await drive.settling(settlement(waiting[0], DeliveryState.DELIVERED, reference="INV\x00\ud800"))
    view = await drive.store.journal.view(message_id)

    assert view is not None
    assert view.deliveries[0].reference == "INV\u2400\ufffd"


async def test_the_end_of_an_attempt_written_late_does_not_undo_the_next_one(drive: Driver) -> None:
    message_id, waiting = await drive.queued("erp")
    first = settlement(waiting[0], DeliveryState.QUEUED)
    second = settlement(waiting[0], DeliveryState.SENDING, attempts=first.attempts + 1)
    await drive.settling(second)
    await drive.settling(first)
    found = await drive.waiting("erp", message_id)

    assert found[0].state is DeliveryState.SENDING
    assert found[0].attempts == second.attempts
