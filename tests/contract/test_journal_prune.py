"""Retention: what is final and old goes with everything it had, the rest stays whole, the disk comes back."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime, timedelta
from pathlib import Path

from engine.core.clock import to_micros
from engine.core.ids import first_id_at
from engine.ports.connector import Verdict
from engine.ports.journal import NewDocument, Outcome, Query
from engine.ports.states import DeliveryState, MessageState
from engine.store.open import Store, open_store
from tests.support.stores import CLOCK, REFUSED, Driver, settlement, sql

D, M = DeliveryState, MessageState
OLD = CLOCK.now() - timedelta(days=40)
CUT = CLOCK.now() - timedelta(days=30)
TABLES = ("messages", "bodies", "documents", "deliveries", "responses", "keys", "indexed", "reasons")


def made_at(moment: datetime, number: int) -> dict[str, int]:
    return {"message_id": first_id_at(moment) + number, "received_micros": to_micros(moment) + number}


async def delivered(drive: Driver, number: int, at: datetime = OLD, body: bytes = b"MSH|one") -> int:
    appended = await drive.append(f"N{number}", body, **made_at(at, number))
    document = NewDocument(0, body + b" made", "Invoice", "I")
    keys = [("order", f"PO-{number}")]
    await drive.finishing(drive.outcome(appended.message_id, "erp", document=document, keys=keys))
    (waiting,) = await drive.waiting("erp", appended.message_id)
    await drive.settling(settlement(waiting, D.DELIVERED, response=b"AA"))
    return appended.message_id


async def test_old_final_messages_go_with_everything_they_had(store_url: str, drive: Driver) -> None:
    for number in range(5):
        await delivered(drive, number)
    filtered = await drive.append("N9", **made_at(OLD, 9))
    await drive.finishing(Outcome(filtered.message_id, M.FILTERED, REFUSED, keys=[("order", "PO-9")]))
    await drive.append("N9", b"other", **made_at(OLD, 10))  # a conflict, found by its natural id

    dropped = await drive.store.journal.prune(CUT)

    assert dropped == 7
    assert {table: sql(store_url, f"SELECT count(*) FROM {table}")[0][0] for table in TABLES} == dict.fromkeys(
        TABLES, 0
    )
    assert await drive.store.journal.counts() == []


async def test_what_waits_or_is_recent_survives_with_its_bodies(drive: Driver) -> None:
    gone = [await delivered(drive, number) for number in range(3)]
    received = await drive.append("N4", b"received", **made_at(OLD, 4))
    queued, _ = await drive.queued("mail", natural_id="N5", body=b"queued", **made_at(OLD, 5))
    held, (one,) = await drive.queued("mail", natural_id="N6", body=b"held", **made_at(OLD, 6))
    await drive.settling(settlement(one, D.HELD, reason=REFUSED))
    gone.append(await delivered(drive, 7))
    recent = await delivered(drive, 8, CLOCK.now())

    assert await drive.store.journal.prune(CUT) == len(gone)

    left = [row.message_id for row in await drive.store.journal.search(Query())]
    assert left == [recent, held, queued, received.message_id]
    for message_id, body in ((held, b"held"), (queued, b"queued"), (received.message_id, b"received")):
        view = await drive.store.journal.view(message_id)
        assert view is not None
        assert view.body == body
    assert [pending.message_id for pending in await drive.waiting("mail")] == [queued]
    assert sum(one.count for one in await drive.store.journal.counts()) == 4


async def test_a_survivor_goes_on_after_its_day_was_dropped(drive: Driver) -> None:
    held, (one,) = await drive.queued("mail", natural_id="N6", **made_at(OLD, 6))
    await drive.settling(settlement(one, D.HELD, reason=REFUSED))
    await drive.store.journal.prune(CUT)

    await drive.store.journal.resend_message(held, 2)
    await drive.finishing(drive.outcome(held, "mail"))
    (again,) = await drive.waiting("mail")
    await drive.settling(settlement(again, D.DELIVERED, response=b"AA"))

    assert await drive.state(held) is M.DELIVERED
    assert await drive.store.journal.prune(CUT) == 1


async def test_a_natural_id_is_recognised_after_its_message_is_gone(drive: Driver) -> None:
    message_id = await delivered(drive, 1)
    refused = await drive.append("N2", b"junk", state=M.REFUSED, reason=REFUSED, **made_at(OLD, 2))
    await drive.store.journal.prune(CUT)

    same, other, junk = [
        await drive.append(natural_id, body) for natural_id, body in (("N1", b"MSH|one"), ("N1", b"x"), ("N2", b"junk"))
    ]

    assert (same.verdict, same.message_id) == (Verdict.DUPLICATE, message_id)
    assert other.verdict is Verdict.CONFLICT
    assert (junk.verdict, junk.message_id, junk.reason) == (Verdict.DUPLICATE, refused.message_id, REFUSED)


async def test_channels_may_be_kept_longer(drive: Driver) -> None:
    await delivered(drive, 1)
    drive.channel = "invoices"
    kept = await delivered(drive, 2)

    assert await drive.store.journal.prune(CUT, keep=lambda channel: channel == "invoices") == 1

    view = await drive.store.journal.view(kept)
    assert view is not None
    assert (view.body, view.documents[0].body) == (b"MSH|one", b"MSH|one made")


async def many(store: Store, count: int) -> None:
    drive = Driver(store)
    body = os.urandom(4000)
    appended = [drive.submit(drive.message(f"N{n}", body, **made_at(OLD, n))) for n in range(count)]
    ids = [(await one).message_id for one in appended]
    await drive.finishing(*(Outcome(one, M.FILTERED, REFUSED) for one in ids))


async def test_pruning_shrinks_the_file(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    store = await open_store(f"sqlite:///{path}", CLOCK)
    await many(store, 3000)
    await store.close()
    before = path.stat().st_size

    store = await open_store(f"sqlite:///{path}", CLOCK)
    assert await store.journal.prune(CUT) == 3000
    await store.close()

    assert path.stat().st_size < before / 5


async def test_others_write_between_the_steps_of_a_prune(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path}/journal.db", CLOCK)
    await many(store, 3000)
    drive = Driver(store)

    pruning = asyncio.create_task(store.journal.prune(CUT))
    written = 0
    while not pruning.done():
        await drive.append()
        written += 1
    await store.close()

    assert written > 3


async def test_the_day_of_dropped_messages_is_dropped_whole(store_url: str, drive: Driver) -> None:
    """PostgreSQL keeps bodies in daily partitions; SQLite returns pages."""
    await delivered(drive, 1)
    await delivered(drive, 2, CLOCK.now())

    await drive.store.journal.prune(CUT)

    if store_url.startswith("postgresql"):
        days = sql(store_url, "SELECT relname FROM pg_class WHERE relname ~ '^bodies_[0-9]{8}$'")
        assert days == [(f"bodies_{CLOCK.now():%Y%m%d}",)]
    assert sql(store_url, "SELECT count(*) FROM bodies")[0][0] == 1
