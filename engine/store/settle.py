"""What became of deliveries, and of their messages with them, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.core.happenings import Happening
from engine.core.texts import storable
from engine.ports.journal import Settlement
from engine.ports.states import DeliveryState, MessageState
from engine.store.attachments import add_attachments
from engine.store.checksum import checksum
from engine.store.session import Change, Find, Insert
from engine.store.transaction import Transaction, pack

_OPEN_STATES = frozenset({DeliveryState.QUEUED, DeliveryState.SENDING})
_OPEN = Find(
    "d.id, d.channel, d.destination, d.state",
    "FROM {rows} CROSS JOIN deliveries d WHERE d.message_id = v.message_id AND d.id = v.id AND d.state IN (1, 2)"
    " AND d.attempts <= v.attempts",  # an attempt's end that was written late says nothing about the next one
    ("message_id", "id", "attempts"),
    ("bigint", "bigint", "int"),
)
_SETTLE = Change(
    "UPDATE deliveries SET state = v.state, attempts = v.attempts, not_before = v.not_before, changed = v.changed,"
    " reason = v.reason, reference = v.reference FROM {rows}"
    " WHERE deliveries.message_id = v.message_id AND deliveries.id = v.id",
    ("message_id", "id", "state", "attempts", "not_before", "changed", "reason", "reference"),
    ("bigint", "bigint", "smallint", "int", "bigint", "bigint", "text", "text"),
)
_RESPONSES = Insert(
    "responses",
    ("message_id", "delivery_id", "digest", "body"),
    ("bigint", "bigint", "bytea", "bytea"),
    "ON CONFLICT (message_id, delivery_id) DO UPDATE SET digest = excluded.digest, body = excluded.body",
)
# The weightiest delivery tells: 3 one is HELD, 2 one is open, 1 the rest arrived, 0 none or only cancelled ones.
_WEIGH = Find(
    "m.id, m.channel, m.state, (SELECT max(CASE d.state WHEN 4 THEN 3 WHEN 1 THEN 2 WHEN 2 THEN 2 WHEN 3 THEN 1"
    " ELSE 0 END) FROM deliveries d WHERE d.message_id = m.id)",
    "FROM {rows} CROSS JOIN messages m WHERE m.id = v.id AND m.state IN (5, 7)",
    ("id",),
    ("bigint",),
)
_FED = {DeliveryState.DELIVERED: Happening.DELIVERED, DeliveryState.HELD: Happening.HELD}
_STATE_OF_WEIGHT = {1: MessageState.DELIVERED, 2: MessageState.QUEUED, 3: MessageState.HELD}


def write_settlements(transaction: Transaction, settlements: Sequence[Settlement]) -> None:
    """Apply settlements of deliveries that are still open; others change nothing."""
    last = _last(settlements)
    pairs = sorted((one.message_id, one.delivery_id, one.attempts) for one in last.values())
    done = []
    for delivery_id, channel, destination, state in transaction.session.find(_OPEN, pairs):
        settlement = last[delivery_id]
        transaction.count_delivery(channel, destination, state, -1)
        transaction.count_delivery(channel, destination, int(settlement.state))
        if (what := _FED.get(settlement.state)) is not None:
            code = None if settlement.reason is None else settlement.reason.code
            transaction.feed(channel, settlement.message_id, delivery_id, what, code)
        done.append(settlement)
    transaction.session.change(_SETTLE, sorted(map(_row, done)))
    _insert_responses(transaction, done)
    add_attachments(transaction, [(one.message_id, one.attachments) for one in done if one.attachments])
    closed = [one for one in done if one.state not in _OPEN_STATES]
    # A message may be HELD for its transform while an answer to its sender is delivered: only a person frees it.
    derive_states(transaction, {one.message_id for one in closed}, leave_held=True)
    transaction.set_reasons({one.message_id: one.reason for one in closed if one.reason and one.state == 4})


def derive_states(transaction: Transaction, message_ids: Iterable[int], *, leave_held: bool = False) -> None:
    """Bring QUEUED and HELD messages to the state that their deliveries imply."""
    changes = []
    for message_id, channel, state, weight in transaction.session.find(_WEIGH, [(one,) for one in sorted(message_ids)]):
        if leave_held and state == MessageState.HELD:
            continue
        after = _STATE_OF_WEIGHT.get(weight, MessageState(state))
        if after != state:
            changes.append((message_id, channel, state, int(after)))
    transaction.set_states(changes)


def _last(settlements: Sequence[Settlement]) -> dict[int, Settlement]:
    """One a delivery: the last, unless an earlier one already closed it."""
    last: dict[int, Settlement] = {}
    for settlement in settlements:
        before = last.get(settlement.delivery_id)
        if before is None or before.state in _OPEN_STATES:
            last[settlement.delivery_id] = settlement
    return last


def _row(one: Settlement) -> tuple[int, int, int, int, int, int, str | None, str | None]:
    reason = None if one.reason is None else pack(one.reason)
    state = int(one.state)
    where = (one.message_id, one.delivery_id)
    reference = None if one.reference is None else storable(one.reference)
    return (*where, state, one.attempts, one.not_before_micros, one.at_micros, reason, reference)


def _insert_responses(transaction: Transaction, done: Sequence[Settlement]) -> None:
    rows = [
        (one.message_id, one.delivery_id, checksum(one.response), one.response)
        for one in done
        if one.response is not None
    ]
    transaction.session.insert(_RESPONSES, sorted(rows))
