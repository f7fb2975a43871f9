"""Leases: one owner at a time, and an overtaken owner writes nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from engine.core.errors import FencedError
from engine.ports.journal import Query
from engine.ports.leases import Lease
from engine.store.open import Store, open_store
from tests.support.stores import CLOCK, Driver

LONG, SHORT = timedelta(hours=1), timedelta(milliseconds=1)


async def taken(store: Store, node: str, ttl: timedelta = LONG) -> Lease:
    lease = await store.leases.acquire("poller", node, ttl)
    assert lease is not None
    return lease


async def overtaken(store: Store) -> tuple[Lease, Lease]:
    """A lease that ran out, and its successor on another node."""
    first = await taken(store, "one", SHORT)
    await asyncio.sleep(0.02)
    return first, await taken(store, "two")


async def test_a_lease_has_one_owner(store: Store) -> None:
    await taken(store, "one")

    assert await store.leases.acquire("poller", "two", LONG) is None
    assert await store.leases.acquire("another poller", "two", LONG) is not None


async def test_an_expired_lease_changes_hands_with_a_greater_token(store: Store) -> None:
    first, second = await overtaken(store)

    assert second.token > first.token


async def test_an_owner_may_acquire_again_and_keeps_its_token(store: Store) -> None:
    first = await taken(store, "one")

    assert (await taken(store, "one")).token == first.token


async def test_renewing_extends_only_what_is_still_ours(store: Store) -> None:
    first, second = await overtaken(store)

    renewed = await store.leases.renew(second, 2 * LONG)

    assert await store.leases.renew(first, LONG) is None
    assert renewed is not None
    assert renewed.expires_at > second.expires_at


async def test_a_released_lease_is_free_at_once(store: Store) -> None:
    await store.leases.release(await taken(store, "one"))

    assert await store.leases.acquire("poller", "two", LONG) is not None


async def test_releasing_an_overtaken_lease_takes_nothing_from_the_owner(store: Store) -> None:
    first, _ = await overtaken(store)

    await store.leases.release(first)

    assert await store.leases.acquire("poller", "three", LONG) is None


async def test_an_overtaken_writer_is_fenced_and_writes_nothing(store_url: str, drive: Driver) -> None:
    store = drive.store
    store.attach_lease(await taken(store, "one", SHORT))
    before = await drive.append("A1")
    await asyncio.sleep(0.02)
    other = await open_store(store_url, CLOCK, slot=1)
    try:
        await taken(other, "two")

        with pytest.raises(FencedError, match="fenced"):
            await drive.append("A2")
        with pytest.raises(FencedError):
            await drive.finishing(drive.outcome(before.message_id, "erp"))
        with pytest.raises(FencedError):
            await store.audit.record("ana", "view", "message")

        assert [row.natural_id for row in await other.journal.search(Query())] == ["A1"]
        assert (await Driver(other).append("A3")).message_id
    finally:
        await other.close()


async def test_a_fenced_node_can_ask_for_the_lease_and_come_back(store: Store) -> None:
    first, second = await overtaken(store)
    store.attach_lease(first)
    with pytest.raises(FencedError):
        await store.audit.record("ana", "view", "message")
    await store.leases.release(second)

    store.attach_lease(await taken(store, "one"))
    await store.audit.record("ana", "view", "message")

    assert len(await store.audit.records()) == 1


async def test_a_detached_lease_is_no_longer_needed(store: Store) -> None:
    first, _ = await overtaken(store)
    store.attach_lease(first)

    store.detach_lease("poller")
    await store.audit.record("ana", "view", "message")

    assert len(await store.audit.records()) == 1
