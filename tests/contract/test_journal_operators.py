"""What people can do with HELD messages and deliveries, and what revisions promise."""

from __future__ import annotations

import pytest

from engine.core.errors import ConfigurationError
from engine.ports.connector import Reason
from engine.ports.journal import NewDocument, Query, RevisionRow
from engine.ports.states import DeliveryState, MessageState
from tests.support.stores import CLOCK, Driver, settlement

D, M = DeliveryState, MessageState
WHY = Reason("H001", "superseded by a corrected message")


async def test_a_held_message_resent_is_received_again_under_the_new_revision(drive: Driver) -> None:
    message_id, _ = await drive.held("erp")

    assert await drive.store.journal.resend_message(message_id, 5) is True

    pending = await drive.store.journal.pending_messages("orders", 0, 10)
    view = await drive.store.journal.view(message_id)
    assert view is not None
    assert [(one.message_id, one.revision) for one in pending] == [(message_id, 5)]
    assert ([one.state for one in view.deliveries], view.row.reason) == ([D.CANCELLED], None)


async def test_what_was_delivered_before_a_resend_keeps_its_document(drive: Driver) -> None:
    message_id, (erp, mail) = await drive.queued("erp", "mail")
    await drive.settling(settlement(erp, D.DELIVERED), settlement(mail, D.HELD))
    await drive.store.journal.resend_message(message_id, 2)

    await drive.finishing(drive.outcome(message_id, "mail", document=NewDocument(0, b"second try")))

    view = await drive.store.journal.view(message_id)
    assert view is not None
    bodies = {one.position: one.body for one in view.documents}
    assert [(one.destination, one.state, bodies[one.document]) for one in view.deliveries] == [
        ("erp", D.DELIVERED, b'{"total":"1.00"}'),
        ("mail", D.CANCELLED, b'{"total":"1.00"}'),
        ("mail", D.QUEUED, b"second try"),
    ]
    assert (await drive.waiting("mail"))[0].body == b"second try"


async def test_a_held_delivery_resent_starts_again_with_the_same_key(drive: Driver) -> None:
    message_id, (erp,) = await drive.held("erp")

    assert await drive.store.journal.resend_delivery(erp.delivery_id) is True

    again = (await drive.waiting("erp"))[0]
    assert (again.attempts, again.idempotency_key, again.state) == (0, erp.idempotency_key, D.QUEUED)
    assert await drive.state(message_id) is M.QUEUED
    assert (await drive.store.journal.search(Query()))[0].reason is None


async def test_a_confirmed_delivery_is_delivered_with_its_reference(drive: Driver) -> None:
    message_id, (erp,) = await drive.held("erp")

    assert await drive.store.journal.confirm_delivery(erp.delivery_id, "PI-2026-0031") is True

    view = await drive.store.journal.view(message_id)
    assert view is not None
    assert (view.row.state, view.deliveries[0].reference) == (M.DELIVERED, "PI-2026-0031")


async def test_a_message_stays_held_while_another_delivery_is_held(drive: Driver) -> None:
    _, (erp, _) = await drive.held("erp", "mail")

    await drive.store.journal.resend_delivery(erp.delivery_id)

    row = (await drive.store.journal.search(Query()))[0]
    assert (row.state, row.reason is not None) == (M.HELD, True)


@pytest.mark.parametrize("state", [M.SUPERSEDED, M.DISCARDED])
async def test_closing_a_held_message_cancels_what_is_open(drive: Driver, state: M) -> None:
    message_id, (erp, _) = await drive.queued("erp", "mail")
    await drive.settling(settlement(erp, D.HELD))

    assert await drive.store.journal.close_message(message_id, state, WHY) is True

    view = await drive.store.journal.view(message_id)
    assert view is not None
    assert (view.row.state, view.row.reason) == (state, WHY)
    assert [one.state for one in view.deliveries] == [D.CANCELLED, D.CANCELLED]
    assert await drive.store.journal.queue_depths() == {}


async def test_nothing_happens_to_what_is_not_held(drive: Driver) -> None:
    message_id, (erp,) = await drive.queued("erp")
    journal = drive.store.journal

    done = [
        await journal.resend_message(message_id, 2),
        await journal.resend_delivery(erp.delivery_id),
        await journal.confirm_delivery(erp.delivery_id, None),
        await journal.close_message(message_id, M.DISCARDED, WHY),
        await journal.resend_message(12345, 2),
    ]

    assert done == [False] * 5
    assert await drive.state(message_id) is M.QUEUED


async def test_a_held_message_is_closed_only_as_superseded_or_discarded(drive: Driver) -> None:
    message_id, _ = await drive.held("erp")

    with pytest.raises(ValueError, match="SUPERSEDED or DISCARDED"):
        await drive.store.journal.close_message(message_id, M.DELIVERED, WHY)


async def test_an_edited_message_is_seen_with_its_successor(drive: Driver) -> None:
    first, _ = await drive.held("erp")

    successor = await drive.append(None, b"edited", parent_id=first)

    view = await drive.store.journal.view(first)
    assert view is not None
    assert list(view.children) == [successor.message_id]


async def test_only_delivered_keys_count_as_delivered(drive: Driver) -> None:
    _, (erp, mail, copy) = await drive.queued("erp", "mail", "copy")
    await drive.settling(settlement(erp, D.DELIVERED), settlement(mail, D.HELD))
    keys = [one.idempotency_key for one in (erp, mail, copy)]

    found = await drive.store.journal.delivered_keys([*keys, "never heard of", *(f"k{n}" for n in range(1200))])

    assert found == {erp.idempotency_key}


async def test_a_message_that_is_not_there_has_no_view(drive: Driver) -> None:
    assert await drive.store.journal.view(1) is None


# ------------------------------------------------------------------ revisions
def revision(channel: str = "orders", content: bytes = b"{}") -> RevisionRow:
    return RevisionRow(channel, 0, "d1", content, CLOCK.now(), "ana", "first", False)


async def test_deploying_numbers_revisions_and_activates_the_newest(drive: Driver) -> None:
    journal = drive.store.journal
    await journal.deploy(revision())
    second = await journal.deploy(revision(content=b'{"a":1}'))
    await journal.deploy(revision("invoices"))

    rows = await journal.revisions("orders")
    assert (second.revision, second.active) == (2, True)
    assert [(one.revision, one.active, one.content) for one in rows] == [(2, True, b'{"a":1}'), (1, False, b"{}")]
    assert len(await journal.revisions()) == 3


async def test_an_earlier_revision_can_be_activated_again(drive: Driver) -> None:
    journal = drive.store.journal
    await journal.deploy(revision())
    await journal.deploy(revision())

    await journal.activate("orders", 1, "ana")

    assert [(one.revision, one.active) for one in await journal.revisions("orders")] == [(2, False), (1, True)]


async def test_activating_an_unknown_revision_changes_nothing(drive: Driver) -> None:
    journal = drive.store.journal
    await journal.deploy(revision())

    with pytest.raises(ConfigurationError, match="orders@9"):
        await journal.activate("orders", 9, "ana")

    assert [one.active for one in await journal.revisions("orders")] == [True]
