"""How far a destination has taken what its channel received: what is open or held counts as not taken."""

from __future__ import annotations

from engine.ports.connector import Reason
from engine.ports.journal import Outcome
from engine.ports.states import DeliveryState, MessageState
from tests.support.stores import REFUSED, Driver, settlement

D, M = DeliveryState, MessageState


async def oldest(drive: Driver, destination: str = "process") -> int | None:
    return await drive.store.journal.oldest_not_taken(drive.channel, destination)


async def test_nothing_received_is_nothing_left(drive: Driver) -> None:
    assert await oldest(drive) is None


async def test_a_message_that_waits_for_its_transform_is_not_taken(drive: Driver) -> None:
    await drive.append("A", received_micros=1000)
    await drive.append("B", received_micros=2000)

    assert await oldest(drive) == 1000


async def test_a_delivery_that_waits_is_not_taken_and_one_that_arrived_is(drive: Driver) -> None:
    _, (first,) = await drive.queued("process", received_micros=1000)
    await drive.queued("process", received_micros=2000)
    before = await oldest(drive)
    await drive.settling(settlement(first, D.DELIVERED))

    assert (before, await oldest(drive)) == (1000, 2000)


async def test_what_a_person_must_decide_is_not_taken_until_it_is_decided(drive: Driver) -> None:
    message_id, (one,) = await drive.queued("process", received_micros=1000)
    await drive.settling(settlement(one, D.HELD, reason=REFUSED))
    before = await oldest(drive)
    await drive.store.journal.close_message(message_id, M.DISCARDED, Reason("DISCARDED", "why"))

    assert (before, await oldest(drive)) == (1000, None)


async def test_a_message_whose_transform_failed_is_not_taken(drive: Driver) -> None:
    appended = await drive.append("A", received_micros=1000)
    await drive.finishing(Outcome(appended.message_id, M.HELD, Reason("S001", "why")))

    assert await oldest(drive) == 1000


async def test_what_another_destination_has_not_taken_does_not_count(drive: Driver) -> None:
    _, (mine, other) = await drive.queued("process", "supplier", received_micros=1000)
    await drive.settling(settlement(mine, D.DELIVERED))
    await drive.settling(settlement(other, D.HELD, reason=REFUSED))

    assert (await oldest(drive), await oldest(drive, "supplier")) == (None, 1000)


async def test_what_is_filtered_is_not_awaited(drive: Driver) -> None:
    appended = await drive.append("A", received_micros=1000)
    await drive.finishing(Outcome(appended.message_id, M.FILTERED, Reason("FILTER", "not wanted")))

    assert await oldest(drive) is None


async def test_an_edited_message_counts_from_when_its_origin_came(drive: Driver) -> None:
    appended = await drive.append("A", received_micros=1000)
    await drive.finishing(Outcome(appended.message_id, M.HELD, Reason("S001", "why")))
    await drive.append("A2", received_micros=9000, parent_id=appended.message_id)
    await drive.store.journal.close_message(appended.message_id, M.SUPERSEDED, Reason("SUPERSEDED", "edited"))

    assert await oldest(drive) == 1000
