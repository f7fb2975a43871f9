"""What `finish` and `settle` promise: one transaction, states that follow, order, counters that are right."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from engine.ports.connector import Reason
from engine.ports.journal import NewDelivery, NewDocument, Outcome, Query
from engine.ports.states import FINAL_MESSAGE_STATES, DeliveryState, MessageState, may_become
from tests.support.stores import REFUSED, Driver, engine_store, settlement, sql

D, M = DeliveryState, MessageState


async def test_an_outcome_writes_documents_deliveries_and_keys_together(drive: Driver) -> None:
    appended = await drive.append("A1")
    documents = [NewDocument(0, b"{}", "Invoice", "INV-7"), NewDocument(1, b"raw bytes")]
    deliveries = [
        NewDelivery(drive.ids.next(), "erp", 0, "key-0", "INV-7", 12345),
        NewDelivery(drive.ids.next(), "archive", 1, "key-1"),
    ]

    await drive.finishing(Outcome(appended.message_id, M.QUEUED, None, documents, deliveries, [("invoice", "INV-7")]))

    view = await drive.store.journal.view(appended.message_id)
    assert view is not None
    assert [(one.position, one.kind, one.natural_key, one.body) for one in view.documents] == [
        (0, "Invoice", "INV-7", b"{}"),
        (1, None, None, b"raw bytes"),
    ]
    assert [(one.destination, one.document, one.order_key) for one in view.deliveries] == [
        ("erp", 0, "INV-7"),
        ("archive", 1, None),
    ]
    assert list(view.row.keys) == [("invoice", "INV-7")]
    pending = (await drive.waiting("erp"))[0]
    assert (pending.body, pending.kind, pending.not_before_micros, pending.state) == (b"{}", "Invoice", 12345, D.QUEUED)


@pytest.mark.parametrize("state", [M.FILTERED, M.REFUSED, M.HELD, M.TRANSFORMED])
async def test_a_message_can_end_without_deliveries_and_keeps_reason_and_keys(drive: Driver, state: M) -> None:
    appended = await drive.append("A1")
    why = None if state is M.TRANSFORMED else Reason("S001", "why", where="PID-3")

    await drive.finishing(Outcome(appended.message_id, state, why, keys=[("order", "4711")]))

    row = (await drive.store.journal.search(Query(key=("order", "4711", False))))[0]
    assert (row.state, row.reason) == (state, why)


async def test_a_second_outcome_for_a_message_changes_nothing(drive: Driver) -> None:
    message_id, _ = await drive.queued("erp")

    await drive.finishing(drive.outcome(message_id, "erp", "archive"))

    view = await drive.store.journal.view(message_id)
    assert view is not None
    assert len(view.deliveries) == len(view.documents) == 1


async def test_of_two_outcomes_in_one_batch_the_first_counts(drive: Driver) -> None:
    appended = await drive.append("A1")

    drive.finishing(Outcome(appended.message_id, M.FILTERED, REFUSED))
    await drive.finishing(drive.outcome(appended.message_id, "erp"))

    assert await drive.state(appended.message_id) is M.FILTERED
    assert await drive.waiting("erp") == []


async def test_a_message_and_its_outcome_may_share_a_batch(drive: Driver) -> None:
    message = drive.message("A1", b"raw")
    drive.submit(message)

    await drive.finishing(drive.outcome(message.message_id, "erp", document=NewDocument(0, b"raw")))

    assert (await drive.waiting("erp"))[0].body == b"raw"


async def test_a_document_of_the_received_bytes_is_stored_once(store_url: str, drive: Driver) -> None:
    body = b"MSH|" + b"x" * 1000
    appended = await drive.append("A1", body)

    await drive.finishing(drive.outcome(appended.message_id, "copy", document=NewDocument(0, body)))

    assert sql(store_url, "SELECT count(*) FROM documents WHERE body IS NOT NULL")[0][0] == 0
    assert (await drive.waiting("copy"))[0].body == body


async def test_the_last_delivery_that_arrives_delivers_the_message(drive: Driver) -> None:
    message_id, (erp, archive) = await drive.queued("erp", "archive")
    await drive.settling(settlement(erp, D.DELIVERED, response=b"MSA|AA", reference="PI-1"))
    half = await drive.state(message_id)

    await drive.settling(settlement(archive, D.DELIVERED))

    view = await drive.store.journal.view(message_id)
    assert view is not None
    assert (half, view.row.state) == (M.QUEUED, M.DELIVERED)
    assert (view.deliveries[0].response, view.deliveries[0].reference) == (b"MSA|AA", "PI-1")


async def test_a_held_delivery_holds_the_message_with_its_reason(drive: Driver) -> None:
    message_id, (erp, archive) = await drive.queued("erp", "archive")

    await drive.settling(settlement(erp, D.HELD, reason=REFUSED), settlement(archive, D.DELIVERED))

    row = (await drive.store.journal.search(Query(states=[M.HELD])))[0]
    assert (row.message_id, row.reason) == (message_id, REFUSED)


async def test_a_retry_keeps_the_delivery_open_with_its_time(drive: Driver) -> None:
    message_id, (erp,) = await drive.queued("erp")

    await drive.settling(settlement(erp, D.SENDING))
    await drive.settling(settlement(erp, D.QUEUED, attempts=3, not_before_micros=99, reason=REFUSED))

    pending = (await drive.waiting("erp"))[0]
    assert (pending.attempts, pending.not_before_micros, pending.state) == (3, 99, D.QUEUED)
    assert await drive.state(message_id) is M.QUEUED


async def test_a_settlement_of_a_closed_delivery_changes_nothing(drive: Driver) -> None:
    message_id, (erp,) = await drive.queued("erp")
    await drive.settling(settlement(erp, D.DELIVERED, response=b"first"))

    await drive.settling(settlement(erp, D.HELD, reason=REFUSED, response=b"late"))

    view = await drive.store.journal.view(message_id)
    assert view is not None
    assert (view.row.state, view.row.reason, view.deliveries[0].response) == (M.DELIVERED, None, b"first")


async def test_of_settlements_in_one_batch_the_closing_one_counts(drive: Driver) -> None:
    message_id, (erp,) = await drive.queued("erp")

    drive.settling(settlement(erp, D.SENDING))
    drive.settling(settlement(erp, D.DELIVERED))
    await drive.settling(settlement(erp, D.QUEUED))

    assert await drive.state(message_id) is M.DELIVERED
    assert await drive.waiting("erp") == []


async def test_deliveries_wait_in_order_of_their_ids_and_page(drive: Driver) -> None:
    for _ in range(25):
        await drive.queued("erp")

    first = await drive.store.journal.pending_deliveries("orders", "erp", 0, 10)
    rest = await drive.store.journal.pending_deliveries("orders", "erp", first[-1].delivery_id, 100)

    ids = [one.delivery_id for one in first + rest]
    assert len(ids) == 25
    assert ids == sorted(ids)


async def test_after_a_restart_everything_unfinished_is_pending(store_url: str) -> None:
    opened = await engine_store(store_url)
    driver = Driver(opened)
    received = await driver.append("A1", b"waiting", message_type="ADT^A01", attributes={"file": "a.hl7"})
    _, (queued, sending) = await driver.queued("erp", "mail")
    await driver.settling(settlement(sending, D.SENDING))
    await opened.close()

    again = await engine_store(store_url)
    messages = await again.journal.pending_messages("orders", 0, 10)
    deliveries = [await again.journal.pending_deliveries("orders", name, 0, 10) for name in ("erp", "mail")]
    depths = await again.journal.queue_depths()
    await again.close()

    assert [(one.message_id, one.body, one.message_type, dict(one.attributes)) for one in messages] == [
        (received.message_id, b"waiting", "ADT^A01", {"file": "a.hl7"})
    ]
    assert [(one.delivery_id, one.state) for part in deliveries for one in part] == [
        (queued.delivery_id, D.QUEUED),
        (sending.delivery_id, D.SENDING),
    ]
    assert depths == {("orders", "erp"): 1, ("orders", "mail"): 1}


async def test_counters_equal_a_recomputation_after_any_history(store_url: str, drive: Driver) -> None:
    await _random_history(drive, random.Random(7))

    counted = {(one.channel, one.state): one.count for one in await drive.store.journal.counts()}

    by_row = sql(store_url, "SELECT n.name, m.state FROM messages m JOIN names n ON n.id = m.channel")
    assert counted == Counter((name, M(state)) for name, state in by_row)
    waiting = sql(
        store_url,
        "SELECT c.name, e.name, count(*) FROM deliveries d JOIN names c ON c.id = d.channel"
        " JOIN names e ON e.id = d.destination WHERE d.state IN (1, 2) GROUP BY c.name, e.name",
    )
    assert await drive.store.journal.queue_depths() == {(a, b): n for a, b, n in waiting}


async def test_states_only_move_along_the_table(store_url: str, drive: Driver) -> None:
    seen: dict[int, MessageState] = {}
    moves: set[tuple[MessageState, MessageState]] = set()

    async def look() -> None:
        for row in await drive.store.journal.search(Query(limit=1000)):
            before = seen.get(row.message_id, row.state)
            if before != row.state:
                moves.add((before, row.state))
            seen[row.message_id] = row.state

    await _random_history(drive, random.Random(11), look)

    assert len(moves) >= 6
    # One look may span two steps of a message: then both must be in the table.
    assert [pair for pair in moves if not (may_become(*pair) or _in_two(*pair))] == []


def _in_two(before: M, after: M) -> bool:
    return any(may_become(before, middle) and may_become(middle, after) for middle in M)


async def _random_history(drive: Driver, chance: random.Random, look: Any = None) -> None:
    """Two channels, three destinations, every kind of ending, people deciding, some of it twice."""
    ids: list[int] = []
    for step in range(120):
        drive.channel = chance.choice(["orders", "invoices"])
        appended = await drive.append(f"N{chance.randrange(100)}", chance.choice([b"a", b"b"]))
        ids.append(appended.message_id)
        names = chance.sample(["erp", "mail", "archive"], chance.randrange(1, 4))
        ending = chance.choice([M.QUEUED, M.QUEUED, M.QUEUED, M.FILTERED, M.HELD, M.TRANSFORMED, M.REFUSED])
        target = chance.choice(ids)
        await drive.finishing(drive.outcome(target, *names) if ending is M.QUEUED else Outcome(target, ending, REFUSED))
        for one in await drive.waiting(chance.choice(["erp", "mail", "archive"])):
            state = chance.choice([D.DELIVERED, D.DELIVERED, D.HELD, D.QUEUED, D.SENDING])
            await drive.settling(settlement(one, state, reason=None if state is D.DELIVERED else REFUSED))
        await _decide(drive, chance, step)
        if look is not None:
            await look()


async def _decide(drive: Driver, chance: random.Random, step: int) -> None:
    journal = drive.store.journal
    held = await journal.search(Query(states=[M.HELD]))
    if not held:
        return
    row = chance.choice(held)
    view = await journal.view(row.message_id)
    assert view is not None
    waiting = [one for one in view.deliveries if one.state is D.HELD]
    what = step % 4
    if what == 0:
        await journal.resend_message(row.message_id, 2)
    elif what == 1:
        await journal.close_message(row.message_id, chance.choice([M.DISCARDED, M.SUPERSEDED]), REFUSED)
    elif waiting and what == 2:
        await journal.resend_delivery(waiting[0].delivery_id)
    elif waiting:
        await journal.confirm_delivery(waiting[0].delivery_id, "PI-1")


def test_final_states_have_no_way_out() -> None:
    assert not any(may_become(state, after) for state in FINAL_MESSAGE_STATES for after in M)
