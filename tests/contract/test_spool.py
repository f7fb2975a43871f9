"""What doors still have to do is kept with the journal: durable, by door, and only by the engine that works on it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from engine.core.errors import FencedError
from engine.ports.spool import Spooled
from engine.store.open import Store, open_store
from tests.support.stores import CLOCK

LONG, SHORT = timedelta(hours=1), timedelta(milliseconds=1)


async def test_what_was_put_waits_until_it_is_removed(store: Store) -> None:
    await store.spool.put("as2/door/receipts", "2", b"second")
    await store.spool.put("as2/door/receipts", "1", b"\x00first")
    await store.spool.put("as2/other/receipts", "1", b"another door's")

    assert await store.spool.waiting("as2/door/receipts") == [Spooled("1", b"\x00first"), Spooled("2", b"second")]

    await store.spool.remove("as2/door/receipts", "1")
    await store.spool.remove("as2/door/receipts", "1")

    assert await store.spool.waiting("as2/door/receipts") == [Spooled("2", b"second")]
    assert await store.spool.waiting("as2/other/receipts") == [Spooled("1", b"another door's")]


async def test_the_same_key_again_takes_the_place_of_the_one_before(store: Store) -> None:
    await store.spool.put("door", "1", b"before")
    await store.spool.put("door", "1", b"after")

    assert await store.spool.waiting("door") == [Spooled("1", b"after")]


async def test_the_node_that_takes_over_finds_it_and_the_one_before_changes_nothing_more(
    store_url: str, store: Store
) -> None:
    first = await store.leases.acquire("journal", "one", SHORT)
    assert first is not None
    store.attach_lease(first)
    await store.spool.put("door", "1", b"left behind")
    await asyncio.sleep(0.02)
    other = await open_store(store_url, CLOCK, slot=1)
    try:
        second = await other.leases.acquire("journal", "two", LONG)
        assert second is not None
        other.attach_lease(second)

        with pytest.raises(FencedError):
            await store.spool.put("door", "2", b"too late")
        with pytest.raises(FencedError):
            await store.spool.remove("door", "1")

        assert await other.spool.waiting("door") == [Spooled("1", b"left behind")]
    finally:
        await other.close()
