"""The audit: durable, complete, and any tampering with a single record is found at its number."""

from __future__ import annotations

import asyncio

import pytest

from engine.store.open import Store, open_store
from tests.support.stores import CLOCK, sql

TAMPERING = {
    "an edit": ("UPDATE audit SET reason = 'other' WHERE number = 3", 3),
    "an edited digest": ("UPDATE audit SET digest = 'x' WHERE number = 4", 4),
    "a deletion in the middle": ("DELETE FROM audit WHERE number = 3", 3),
    "a deletion of the newest": ("DELETE FROM audit WHERE number = 5", 5),
    "a deletion of everything": ("DELETE FROM audit", 1),
    "an insertion at the end": (
        "INSERT INTO audit SELECT 6, at, who, action, subject, reason, digest FROM audit WHERE number = 5",
        6,
    ),
    "an insertion before the start": (
        "INSERT INTO audit SELECT 0, at, who, action, subject, reason, digest FROM audit WHERE number = 5",
        None,
    ),
}


async def five(store: Store) -> None:
    for number in range(1, 6):
        await store.audit.record("ana", "view", f"message {number}", "rounds" if number % 2 else None)


async def test_records_are_kept_with_who_what_when_and_why_newest_first(store: Store) -> None:
    await store.audit.record("ana", "resend", "message 1M9K4", "price corrected")
    await store.audit.record("bob", "pause", "channel orders")

    newest, oldest = await store.audit.records()
    assert (newest.who, newest.action, newest.subject, newest.reason) == ("bob", "pause", "channel orders", None)
    assert (oldest.who, oldest.reason, oldest.number) == ("ana", "price corrected", 1)
    assert await store.audit.records("message 1M9K4") == [oldest]
    assert await store.audit.records(limit=1) == [newest]


async def test_an_untouched_chain_is_whole(store: Store) -> None:
    assert await store.audit.verify() is None

    await five(store)

    assert await store.audit.verify() is None


@pytest.mark.parametrize("what", TAMPERING)
async def test_tampering_is_found_at_its_number(store_url: str, store: Store, what: str) -> None:
    await five(store)
    statement, number = TAMPERING[what]

    sql(store_url, statement)

    found = await store.audit.verify()
    assert found is not None
    assert number in (None, found)


async def test_a_new_order_of_records_is_found(store_url: str, store: Store) -> None:
    await five(store)
    for before, after in ((2, 99), (3, 2), (99, 3)):
        sql(store_url, f"UPDATE audit SET number = {after} WHERE number = {before}")

    assert await store.audit.verify() == 2


async def test_records_of_two_nodes_form_one_chain(store_url: str) -> None:
    nodes = [await open_store(store_url, CLOCK, slot=slot) for slot in (0, 1)]
    await asyncio.gather(*(nodes[n % 2].audit.record("ana", "view", f"message {n}") for n in range(40)))
    broken, records = await nodes[0].audit.verify(), await nodes[0].audit.records()
    for node in nodes:
        await node.close()

    assert broken is None
    assert len(records) == 40
