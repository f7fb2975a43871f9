"""The feed: numbered in the order of the commits, written only where somebody reads, on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import psycopg
import pytest

from engine.core.happenings import Happening
from engine.core.ids import id_text
from engine.ports.connector import Reason
from engine.ports.feed import FeedEntry, FeedPlace
from engine.ports.journal import NewDocument, Outcome
from engine.ports.states import DeliveryState, MessageState
from engine.store.open import Store
from tests.support.stores import Driver, engine_store, settlement

EVERYTHING = tuple(Happening)


async def entries(store: Store, after: int = 0, channels: tuple[str, ...] = (), limit: int = 1000) -> list[FeedEntry]:
    page = await store.feed.read(after, await store.feed.head(), channels, EVERYTHING, limit)
    return list(page.entries)


async def test_nothing_is_written_while_nobody_reads(store: Store, drive: Driver) -> None:
    await drive.queued("erp")

    assert await store.feed.head() == 0


async def test_a_document_and_its_delivery_are_told_in_order(store: Store, drive: Driver) -> None:
    await store.feed.open("events", ())
    message_id, (waiting,) = await drive.queued("erp")
    await drive.settling(settlement(waiting, DeliveryState.DELIVERED, reference="PI-1"))

    made, delivered = await entries(store)

    assert (made.what, delivered.what) == (Happening.MADE, Happening.DELIVERED)
    assert made.number < delivered.number
    assert {made.message_id, made.origin_id, delivered.message_id} == {message_id}
    assert made.documents == delivered.documents
    assert [(one.kind, one.natural_key, one.body) for one in made.documents] == [
        ("Invoice", "INV-1", b'{"total":"1.00"}')
    ]
    assert delivered.delivery is not None
    assert (delivered.delivery.destination, delivered.delivery.reference) == ("erp", "PI-1")


async def test_what_is_held_tells_its_code(store: Store, drive: Driver) -> None:
    await store.feed.open("events", ())
    await drive.held("erp")
    appended = await drive.append()
    await drive.finishing(Outcome(appended.message_id, MessageState.HELD, Reason("S001", "the script failed")))

    found = [(one.what, one.code) for one in await entries(store)]

    assert found == [(Happening.MADE, None), (Happening.HELD, "T002"), (Happening.MESSAGE_HELD, "S001")]


async def test_a_confirmed_delivery_is_told(store: Store, drive: Driver) -> None:
    await store.feed.open("events", ())
    _, (waiting,) = await drive.held("erp")
    await store.journal.confirm_delivery(waiting.delivery_id, "PI-9")

    last = (await entries(store))[-1]

    assert last.what is Happening.DELIVERED
    assert last.delivery is not None
    assert last.delivery.reference == "PI-9"


async def test_only_wanted_channels_are_written(store: Store, drive: Driver) -> None:
    await store.feed.open("window", ("orders",))
    await drive.queued("erp")
    await Driver(store, "other").queued("erp")

    assert [one.channel for one in await entries(store)] == ["orders"]


async def test_a_reader_sees_its_channels_of_what_others_want(store: Store, drive: Driver) -> None:
    await store.feed.open("events", ())
    await drive.queued("erp")
    await Driver(store, "other").queued("erp")

    assert [one.channel for one in await entries(store, channels=("other", "never_seen"))] == ["other"]


async def test_a_page_goes_on_where_the_last_one_ended(store: Store, drive: Driver) -> None:
    await store.feed.open("events", ())
    for _ in range(5):
        await drive.queued("erp")
    after, seen, head = 0, [], await store.feed.head()
    while after < head:
        page = await store.feed.read(after, head, (), EVERYTHING, 2)
        seen += [one.number for one in page.entries]
        after = page.last

    assert seen == [1, 2, 3, 4, 5]


async def test_many_at_once_get_each_their_number(store: Store, drive: Driver) -> None:
    await store.feed.open("events", ())
    await asyncio.gather(*(drive.queued("erp") for _ in range(50)))

    found = await entries(store)

    assert [one.number for one in found] == list(range(1, 51))
    assert len({one.message_id for one in found}) == 50


async def test_a_place_survives_and_what_all_are_past_is_dropped(store: Store, drive: Driver, store_url: str) -> None:
    await store.feed.open("first", ())
    await store.feed.open("second", ())
    for _ in range(3):
        await drive.queued("erp")
    await store.feed.save("first", FeedPlace(3, "noted"))
    await store.feed.save("second", FeedPlace(1))

    assert [one.number for one in await entries(store)] == [2, 3]
    assert await store.feed.open("first", ()) == FeedPlace(3, "noted")
    assert await store.feed.open("second", ()) == FeedPlace(1)
    assert await store.feed.open("third", ()) == FeedPlace(3)


async def test_numbers_go_on_after_everything_was_read(store: Store, drive: Driver) -> None:
    await store.feed.open("events", ())
    await drive.queued("erp")
    await store.feed.save("events", FeedPlace(1))
    await drive.queued("erp")

    assert [one.number for one in await entries(store)] == [2]


async def test_a_forgotten_reader_costs_nothing_more(store: Store, drive: Driver) -> None:
    await store.feed.open("events", ())
    await drive.queued("erp")
    await store.feed.forget(["events"])
    await drive.queued("erp")

    assert await store.feed.readers() == []
    assert await store.feed.head() == 1
    assert await entries(store) == []


async def test_the_same_document_made_again_is_marked_repeated(store: Store, drive: Driver) -> None:
    """Sent through its transform again, and replayed."""
    await store.feed.open("window", ())
    message_id, _ = await drive.held("erp")
    await store.journal.resend_message(message_id, 1)
    await drive.finishing(drive.outcome(message_id, "erp"))
    replayed = await drive.append(parent_id=message_id, attributes={"origin": id_text(message_id)})
    await drive.finishing(drive.outcome(replayed.message_id, "erp"))
    again = await drive.append(parent_id=message_id, attributes={"origin": id_text(message_id)})
    other = NewDocument(0, b'{"total":"2.00"}', "Invoice", "INV-2")
    await drive.finishing(drive.outcome(again.message_id, "erp", document=other))

    made = [one for one in await entries(store) if one.what is Happening.MADE]

    assert [[document.repeated for document in one.documents] for one in made] == [[False], [True], [True], [False]]
    assert {one.origin_id for one in made} == {message_id}


async def test_an_entry_whose_message_is_gone_is_left_out(store: Store, drive: Driver) -> None:
    await store.feed.open("events", ())
    _, (waiting,) = await drive.queued("erp")
    await drive.settling(settlement(waiting, DeliveryState.DELIVERED))
    await store.journal.prune(datetime(2200, 1, 1, tzinfo=UTC))

    page = await store.feed.read(0, await store.feed.head(), (), EVERYTHING, 10)
    assert (page.entries, page.last) == ([], 2)


async def test_entries_are_there_after_a_restart(store_url: str) -> None:
    first = await engine_store(store_url)
    await first.feed.open("events", ())
    await Driver(first).queued("erp")
    await first.close()
    again = await engine_store(store_url)

    assert [one.what for one in await entries(again)] == [Happening.MADE]
    await again.close()


async def test_a_reader_never_passes_a_commit_that_is_still_open(store: Store, drive: Driver, store_url: str) -> None:
    """Another writer has taken a number and not committed: what is written meanwhile gets a later one, and waits."""
    if not store_url.startswith("postgresql"):
        pytest.skip("SQLite has one writing transaction at a time")
    await store.feed.open("events", ())
    await drive.queued("erp")
    other = await psycopg.AsyncConnection.connect(store_url)
    await other.execute("UPDATE feed_head SET number = number + 1")
    message = drive.message()
    appended = await drive.submit(message)
    finishing = drive.finishing(drive.outcome(appended.message_id, "erp"))
    await asyncio.wait({finishing}, timeout=0.1)

    assert not finishing.done()
    assert await store.feed.head() == 1
    await other.execute(
        "INSERT INTO feed (number, channel, message_id, part, what, at)"
        " SELECT 2, channel, message_id, 0, 1, at FROM feed"
    )
    await other.commit()
    await finishing
    assert [one.number for one in await entries(store)] == [1, 2, 3]
    await other.close()
