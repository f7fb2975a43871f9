"""The control-number ledger: one number once, for ever, per partner."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from engine.ports.ledger import Claim
from engine.store.open import Store, open_store
from tests.support.stores import CLOCK

DIGEST = b"d" * 16


async def test_an_inbound_number_belongs_to_the_first_message_that_brings_it(store: Store) -> None:
    claims = [await store.ledger.claim("ACME", "000000001", message_id, DIGEST) for message_id in (7, 7, 8)]

    assert claims == [Claim.FIRST, Claim.SAME, Claim.REPEATED]


async def test_inbound_numbers_are_counted_per_partner(store: Store) -> None:
    claims = [await store.ledger.claim(partner, "000000001", 7, DIGEST) for partner in ("ACME", "MEDLINE")]

    assert claims == [Claim.FIRST, Claim.FIRST]


async def test_a_repeated_number_is_known_after_a_restart(store_url: str, store: Store) -> None:
    await store.ledger.claim("ACME", "000000001", 7, DIGEST)
    other = await open_store(store_url, CLOCK)
    try:
        assert await other.ledger.claim("ACME", "000000001", 9, DIGEST) is Claim.REPEATED
    finally:
        await other.close()


async def test_outbound_numbers_grow_by_one_per_partner(store: Store) -> None:
    numbers = [(await store.ledger.allocate("ACME", f"key {n}", "850")).number for n in range(3)]
    other = await store.ledger.allocate("MEDLINE", "key 0", "850")

    assert (numbers, other.number) == ([1, 2, 3], 1)


async def test_a_resend_keeps_its_number(store: Store) -> None:
    first = await store.ledger.allocate("ACME", "key", "850")
    await store.ledger.allocate("ACME", "another", "850")

    assert await store.ledger.allocate("ACME", "key", "850") == first


async def test_concurrent_allocations_on_two_nodes_never_share_a_number(store_url: str) -> None:
    nodes = [await open_store(store_url, CLOCK, slot=slot) for slot in (0, 1)]
    try:
        made = await asyncio.gather(*(nodes[n % 2].ledger.allocate("ACME", f"key {n // 3}", "850") for n in range(90)))
    finally:
        for node in nodes:
            await node.close()

    by_key = {one.delivery_key: one.number for one in made}
    assert len(by_key) == 30
    assert len(set(by_key.values())) == 30
    assert {(one.delivery_key, one.number) for one in made} == set(by_key.items())


async def test_an_acknowledgement_is_noted_and_no_longer_awaited(store: Store) -> None:
    sent = await store.ledger.allocate("ACME", "key", "850")
    later = CLOCK.now() + timedelta(hours=4)
    waiting = await store.ledger.unacknowledged(later)

    noted = await store.ledger.acknowledge("ACME", sent.number, "accepted", "997 A")

    assert waiting == [sent]
    assert noted is not None
    assert (noted.acknowledged, noted.note) == ("accepted", "997 A")
    assert await store.ledger.unacknowledged(later) == []
    assert await store.ledger.outbound("ACME") == [noted]


async def test_our_own_acknowledgements_wait_for_none(store: Store) -> None:
    for code in ("997", "999", "TA1", "850", "997"):
        await store.ledger.allocate("ACME", f"key {code}", code)

    waiting = await store.ledger.unacknowledged(CLOCK.now() + timedelta(hours=4))

    assert [one.transaction_set for one in waiting] == ["850"]


async def test_an_acknowledgement_of_a_number_never_sent_is_not_ours(store: Store) -> None:
    assert await store.ledger.acknowledge("ACME", 99, "accepted", None) is None


async def test_outbound_numbers_are_listed_newest_first(store: Store) -> None:
    for n in range(3):
        await store.ledger.allocate("ACME", f"key {n}", "850")

    assert [one.number for one in await store.ledger.outbound(limit=2)] == [3, 2]
    assert await store.ledger.outbound("MEDLINE") == []


# ------------------------------------------------------------------ overdue
async def test_what_waits_too_long_is_noted_once_by_two_nodes_and_after_a_restart(store_url: str, store: Store) -> None:
    sent = await store.ledger.allocate("ACME", "key", "850")
    first = await store.ledger.remark_overdue("ACME", sent.number, "not acknowledged within 4h")
    other = await open_store(store_url, CLOCK)
    try:
        again = await other.ledger.remark_overdue("ACME", sent.number, "not acknowledged within 4h")
        (waiting,) = await other.ledger.unacknowledged(CLOCK.now() + timedelta(hours=4))
    finally:
        await other.close()

    assert (first, again) == (True, False)
    assert (waiting.state, waiting.note) == ("overdue", "not acknowledged within 4h")


async def test_a_late_answer_takes_the_place_of_the_remark(store: Store) -> None:
    sent = await store.ledger.allocate("ACME", "key", "850")
    assert sent.state == "waiting"
    await store.ledger.remark_overdue("ACME", sent.number, "late")
    noted = await store.ledger.acknowledge("ACME", sent.number, "accepted", None)

    assert noted is not None
    assert (noted.state, noted.note) == ("accepted", None)
    assert not await store.ledger.remark_overdue("ACME", sent.number, "late")


async def test_numbers_are_found_by_the_deliveries_that_they_were_given_to(store: Store) -> None:
    made = [await store.ledger.allocate("ACME", f"message.{n}.supplier", "850") for n in range(3)]

    found = await store.ledger.of_deliveries(["message.1.supplier", "no X12", "message.2.supplier"])
    assert sorted(found, key=lambda one: one.number) == made[1:]
    assert await store.ledger.of_deliveries([]) == []
    assert made[1].message == "message"
