"""What a partner does not acknowledge in time is told once, and shown until it is answered."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from engine.core.ids import id_text
from engine.flow.overdue import AcknowledgementWatch
from engine.telemetry import Event, events
from engine.telemetry.named import named
from tests.support.connector_doubles import Clock, Ledger

HOUR = timedelta(hours=1)
SENT = datetime.fromisoformat("2026-03-01T00:00:00+00:00")
MESSAGE = 4711


class Room:
    def __init__(self, **deadlines: timedelta) -> None:
        self.ledger, self.heard = Ledger(), list[Event]()
        self.deadlines = deadlines
        self.watch = self.another()

    def another(self) -> AcknowledgementWatch:
        return AcknowledgementWatch(self.ledger, self.deadlines, Clock(), named(self.heard.append))

    async def send(self, partner: str, key: str = f"{id_text(MESSAGE)}.0.supplier") -> None:
        await self.ledger.allocate(partner, key, "850")

    async def at(self, hours: float) -> None:
        await self.watch.look(SENT + hours * HOUR)


@pytest.fixture
def room() -> Room:
    return Room(ridge=2 * HOUR, lake=4 * HOUR)


async def test_nothing_is_told_before_the_deadline(room: Room) -> None:
    await room.send("ridge")
    await room.at(2)

    assert (room.heard, room.watch.notices) == ([], ())


async def test_it_is_told_once_whatever_restarts(room: Room) -> None:
    await room.send("ridge")
    for hours in (2.1, 2.2, 9.0):
        await room.at(hours)
    room.watch = room.another()
    await room.at(10)

    assert room.heard == [events.AcknowledgementOverdue("ridge", 1, "850", "2h", MESSAGE)]
    assert len(room.watch.notices) == 1


async def test_each_partner_has_its_own_deadline_and_a_stranger_none(room: Room) -> None:
    for partner in ("lake", "ridge", "stranger"):
        await room.send(partner)
    await room.at(3)
    first = [event.partner for event in room.heard if isinstance(event, events.AcknowledgementOverdue)]
    await room.at(5)

    assert first == ["ridge"]
    assert [notice.partition(":")[0] for notice in room.watch.notices] == ["lake", "ridge"]


async def test_many_of_one_partner_are_one_notice_with_the_oldest(room: Room) -> None:
    for number in range(3):
        await room.send("ridge", f"{id_text(MESSAGE + number)}.0.supplier")
    await room.at(3)

    (notice,) = room.watch.notices
    assert notice.startswith("ridge: 3 interchanges are not acknowledged in time; the oldest is 850 000000001")
    assert id_text(MESSAGE) in notice


async def test_an_answer_takes_the_notice_away(room: Room) -> None:
    await room.send("ridge")
    await room.at(3)
    room.ledger.numbers.clear()
    await room.at(4)

    assert room.watch.notices == ()


async def test_without_partners_nothing_is_told_until_one_is_deployed() -> None:
    room = Room()
    await room.send("ridge")
    await room.at(9)
    before = room.watch.notices
    room.deadlines["ridge"] = HOUR
    await room.at(9)

    assert (before, len(room.watch.notices)) == ((), 1)
