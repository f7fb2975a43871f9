"""The waiting line of a destination."""

from __future__ import annotations

import random

from engine.flow.lane import Lane
from engine.ports.journal import PendingDelivery
from engine.ports.states import DeliveryState


def delivery(number: int, key: str | None = None) -> PendingDelivery:
    return PendingDelivery(
        delivery_id=number,
        message_id=number,
        channel="c",
        destination="d",
        revision=1,
        state=DeliveryState.QUEUED,
        attempts=0,
        not_before_micros=0,
        first_micros=0,
        idempotency_key=str(number),
        correlation_id="",
        body=b"x",
        order_key=key,
    )


def test_one_key_goes_one_at_a_time_and_in_order() -> None:
    lane = Lane()
    for number in (1, 2):
        lane.put(delivery(number, "k"), 0, 0)
    lane.put(delivery(3, "other"), 0, 0)

    first, other = lane.take(0), lane.take(0)
    assert first is not None
    assert other is not None
    assert (first.delivery.delivery_id, other.delivery.delivery_id) == (1, 3)
    assert lane.take(0) is None
    lane.finish(first, 0)

    second = lane.take(0)
    assert second is not None
    assert second.delivery.delivery_id == 2


def test_without_a_key_deliveries_do_not_wait_for_one_another() -> None:
    lane = Lane()
    for number in (1, 2, 3):
        lane.put(delivery(number), 0, 0)

    taken = [lane.take(0) for _ in range(4)]

    assert [e.delivery.delivery_id if e else None for e in taken] == [1, 2, 3, None]


def test_a_failed_head_holds_its_key_until_its_time() -> None:
    lane = Lane()
    lane.put(delivery(1, "k"), 0, 0)
    lane.put(delivery(2, "k"), 0, 0)
    head = lane.take(0)
    assert head is not None

    lane.again(head, 10, 0)

    assert lane.take(9.9) is None
    assert lane.next_due() == 10
    assert lane.take(10) is head


def test_a_blocked_key_takes_nothing_and_others_go_on() -> None:
    lane = Lane()
    lane.put(delivery(1, "k"), 0, 0)
    lane.put(delivery(2, "k"), 0, 0)
    head = lane.take(0)
    assert head is not None

    lane.block("k")
    lane.finish(head, 0)
    lane.put(delivery(3, "k"), 0, 0)
    lane.put(delivery(4, "z"), 0, 0)

    entry = lane.take(0)
    assert entry is not None
    assert entry.delivery.delivery_id == 4
    assert len(lane) == 1


def test_random_play_never_breaks_the_order_of_a_key() -> None:
    dice, lane, now, sent = random.Random(11), Lane(), 0.0, []
    taken = []
    for number in range(3000):
        lane.put(delivery(number, f"k{dice.randrange(40)}"), 0, now)
        now += 0.01
        entry = lane.take(now)
        if entry is not None:
            taken.append(entry)
        if taken and dice.random() < 0.7:
            done = taken.pop(dice.randrange(len(taken)))
            if dice.random() < 0.3:
                lane.again(done, dice.random(), now)
            else:
                sent.append(done.delivery)
                lane.finish(done, now)
    by_key: dict[str | None, list[int]] = {}
    for one in sent:
        by_key.setdefault(one.order_key, []).append(one.delivery_id)

    assert len(sent) > 1000
    assert all(numbers == sorted(numbers) for numbers in by_key.values())
