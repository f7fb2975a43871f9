"""How far the feeds of the process are: looks into a system, doors by the clock, the slowest of several."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from engine.channel.model import ChannelModel
from engine.core.clock import from_micros, to_micros
from engine.flow.feeds import FeedKeeper, Looks
from engine.ports.connector import Accept, Health
from tests.support.connector_doubles import Clock

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HALF = timedelta(minutes=30)


class Door:
    healthy = True

    async def run(self, accept: Accept) -> None: ...

    async def check(self) -> Health:
        return Health(self.healthy, "")


class Running:
    def __init__(self, channel: str, sources: list[str], lag: str | None = None) -> None:
        told: dict[str, Any] = {"sources": sources} | ({"lag": lag} if lag else {})
        self.model: ChannelModel | None = ChannelModel.model_validate({
            "channel": channel, "version": 1, "title": channel, "source": {"type": "file", "format": "json"},
            "destinations": [{"name": "process", "type": "procure", "settings": {"tells_until": told}}],
        })  # fmt: skip
        self.state, self.source = "running", Door()


class Room:
    """A keeper with what it asks and what it sets."""

    def __init__(self, *runs: Running) -> None:
        self.runs = {one.model.channel: one for one in runs if one.model}
        self.clock, self.looks = Clock(NOON), Looks()
        self.open: dict[str, datetime] = {}
        self.set: dict[str, datetime] = {}
        self.behind: dict[str, object] = {}
        self.keeper = FeedKeeper(lambda: self.runs, self, self, self.looks, self.clock, self.hears)

    def hears(self, name: str, channel: str, facts: dict[str, object]) -> None:
        self.behind[channel] = facts["seconds"]

    async def oldest_not_taken(self, channel: str, destination: str) -> int | None:
        return to_micros(self.open[channel]) if channel in self.open else None

    async def set_watermark(self, source: str, until_micros: int) -> None:
        self.set[source] = max(from_micros(until_micros), self.set.get(source, NOON - timedelta(days=1)))

    async def after(self, time: timedelta) -> dict[str, datetime]:
        """Look, wait, look."""
        await self.keeper.look()
        self.clock.advance(time)
        await self.keeper.look()
        return self.set


async def test_a_door_has_told_everything_up_to_its_lag_ago() -> None:
    room = Room(Running("scans", ["receipts"], "30m"))

    assert await room.after(timedelta(hours=1)) == {"receipts": NOON + HALF}


async def test_a_door_that_has_just_opened_promises_nothing_before_its_lag_is_over() -> None:
    room = Room(Running("scans", ["receipts"], "30m"))

    assert await room.after(HALF - SECOND) == {}


async def test_a_door_that_cannot_be_reached_begins_anew() -> None:
    scans = Running("scans", ["receipts"], "30m")
    room = Room(scans)
    await room.after(timedelta(hours=1))
    scans.source.healthy = False
    await room.after(timedelta(hours=1))
    scans.source.healthy = True

    assert await room.after(HALF - SECOND) == {"receipts": NOON + HALF}


async def test_a_stopped_channel_promises_nothing() -> None:
    scans = Running("scans", ["receipts"], "30m")
    scans.state = "stopped"

    assert await Room(scans).after(timedelta(hours=1)) == {}


async def test_what_is_not_taken_keeps_the_mark_before_it() -> None:
    room = Room(Running("scans", ["receipts"], "30m"))
    room.open["scans"] = NOON + timedelta(minutes=10)

    assert await room.after(timedelta(hours=5)) == {"receipts": NOON - timedelta(minutes=20)}


async def test_the_slowest_of_two_feeds_counts() -> None:
    scans, portal = Running("scans", ["receipts"], "10m"), Running("portal", ["receipts", "orders"], "30m")

    found = await Room(scans, portal).after(timedelta(hours=1))

    assert found == {"receipts": NOON + HALF, "orders": NOON + HALF}


async def test_a_feed_that_promises_nothing_holds_the_others_of_its_source() -> None:
    scans, erp = Running("scans", ["receipts"], "10m"), Running("erp", ["receipts"])
    room = Room(scans, erp)
    room.looks.expect("erp")

    assert await room.after(timedelta(hours=1)) == {}


async def test_a_source_that_looks_has_told_what_was_there_when_its_last_look_began() -> None:
    room = Room(Running("erp", ["orders"]))
    room.looks.complete("erp", NOON - 9 * SECOND, NOON - 5 * SECOND)
    room.looks.complete("erp", NOON - 4 * SECOND, NOON - 2 * SECOND)

    assert await room.after(SECOND) == {"orders": NOON - 4 * SECOND}


async def test_a_look_of_which_something_is_not_taken_does_not_count() -> None:
    room = Room(Running("erp", ["orders"]))
    room.looks.complete("erp", NOON - 9 * SECOND, NOON - 5 * SECOND)
    room.looks.complete("erp", NOON - 4 * SECOND, NOON - 2 * SECOND)
    room.open["erp"] = NOON - 3 * SECOND

    assert await room.after(SECOND) == {"orders": NOON - 9 * SECOND}


async def test_a_look_that_ends_while_the_journal_is_asked_does_not_count_yet() -> None:
    room = Room(Running("erp", ["orders"]))
    room.looks.expect("erp")
    ask = room.oldest_not_taken

    async def meanwhile(channel: str, destination: str) -> int | None:
        found = await ask(channel, destination)
        room.clock.advance(SECOND)
        room.looks.complete("erp", NOON, NOON + SECOND)
        return found

    room.oldest_not_taken = meanwhile  # type: ignore[method-assign]
    await room.keeper.look()

    assert room.set == {}


async def test_a_feed_that_is_held_up_is_told_to_people_until_it_goes_on() -> None:
    room = Room(Running("scans", ["receipts"], "30m"))
    await room.after(timedelta(hours=1))
    before = room.keeper.notices
    room.open["scans"] = NOON + HALF  # somebody holds a receipt
    await room.after(timedelta(hours=1))
    (notice,) = room.keeper.notices
    room.open.clear()
    await room.keeper.look()

    assert (before, room.keeper.notices) == ((), ())
    assert notice.startswith("scans has told the process only up to 2026-11-20 12:30 UTC of receipts")
    assert room.behind == {"scans": HALF.total_seconds()}


async def test_a_feed_that_never_told_anything_is_told_to_people() -> None:
    orders = Running("orders", ["orders"])
    room = Room(orders)
    room.looks.expect("orders")
    await room.after(HALF)

    assert room.keeper.notices == ("orders has told the process nothing yet of orders: what is missing is waited for",)
    assert room.behind == {"orders": HALF.total_seconds()}
