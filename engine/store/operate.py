"""What people decide about HELD messages and deliveries; and what the store itself finds broken."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from engine.core.errors import ChecksumError
from engine.core.happenings import Happening
from engine.ports.connector import Reason
from engine.ports.states import DeliveryState, MessageState
from engine.store.read import Broken
from engine.store.schema import deliveries, messages, reasons
from engine.store.settle import derive_states
from engine.store.transaction import Transaction, pack

D, M = DeliveryState, MessageState
_UNFINISHED = (D.QUEUED, D.SENDING, D.HELD)


def resend_message(transaction: Transaction, message_id: int, revision: int) -> bool:
    found = _held_message(transaction, message_id)
    if found is None:
        return False
    _cancel_open(transaction, message_id)
    values = {"revision": revision, "run": messages.c.run + 1}
    transaction.session.sql.execute(messages.update().where(messages.c.id == message_id).values(values))
    transaction.set_states([(message_id, found, M.HELD, M.RECEIVED)])
    _clear_reason(transaction, message_id)
    return True


def close_message(transaction: Transaction, message_id: int, state: MessageState, reason: Reason) -> bool:
    found = _held_message(transaction, message_id)
    if found is None:
        return False
    _cancel_open(transaction, message_id)
    transaction.set_states([(message_id, found, M.HELD, state)])
    transaction.set_reasons({message_id: reason})
    return True


def resend_delivery(transaction: Transaction, delivery_id: int) -> bool:
    values: dict[str, object] = {"attempts": 0, "not_before": 0, "first": transaction.at, "reason": None}
    return _decide(transaction, delivery_id, D.QUEUED, values)


def confirm_delivery(transaction: Transaction, delivery_id: int, reference: str | None) -> bool:
    return _decide(transaction, delivery_id, D.DELIVERED, {"reason": None, "reference": reference})


def hold_broken(transaction: Transaction, broken: Iterable[Broken]) -> None:
    """Quarantine: the message (and the delivery) waits for a person; it is never sent."""
    for one in broken:
        reason = Reason(
            ChecksumError.code,
            f"{one.what} differs from what was stored",
            remedy="restore it from a backup, or ask the sender to send it again",
        )
        if one.delivery_id is not None:
            _hold_delivery(transaction, one.message_id, one.delivery_id, reason)
        _hold_message(transaction, one.message_id)
        transaction.set_reasons({one.message_id: reason})


def _hold_message(transaction: Transaction, message_id: int) -> None:
    """From any state: a broken body outweighs what the message was."""
    query = sa.select(messages.c.channel, messages.c.state).where(messages.c.id == message_id)
    row = transaction.session.sql.execute(query).first()
    if row is not None and row.state != M.HELD:
        transaction.set_states([(message_id, row.channel, row.state, M.HELD)])


def _hold_delivery(transaction: Transaction, message_id: int, delivery_id: int, reason: Reason) -> None:
    here = (deliveries.c.message_id == message_id) & (deliveries.c.id == delivery_id)
    open_ = deliveries.c.state.in_((D.QUEUED, D.SENDING))
    _move(transaction, here & open_, D.HELD, {"reason": pack(reason)})


def _held_message(transaction: Transaction, message_id: int) -> int | None:
    """The channel of a message that is HELD."""
    query = sa.select(messages.c.channel).where(messages.c.id == message_id, messages.c.state == M.HELD)
    if transaction.session.sql.dialect.name == "postgresql":
        query = query.with_for_update()
    found: int | None = transaction.session.sql.execute(query).scalar()
    return found


def _cancel_open(transaction: Transaction, message_id: int) -> None:
    where = (deliveries.c.message_id == message_id) & deliveries.c.state.in_(_UNFINISHED)
    _move(transaction, where, D.CANCELLED, {})


def _decide(transaction: Transaction, delivery_id: int, state: DeliveryState, values: dict[str, object]) -> bool:
    held = (deliveries.c.id == delivery_id) & sa.text("deliveries.state = 4")
    moved = _move(transaction, held, state, values)
    for message_id in moved:
        derive_states(transaction, [message_id])
        _settle_reason(transaction, message_id)
    return bool(moved)


def _move(
    transaction: Transaction, where: sa.ColumnElement[bool], state: DeliveryState, values: dict[str, object]
) -> list[int]:
    """Change deliveries and their counts; the ids of their messages."""
    sql, d = transaction.session.sql, deliveries.c
    rows = sql.execute(sa.select(d.message_id, d.id, d.channel, d.destination, d.state).where(where)).all()
    for row in rows:
        transaction.count_delivery(row.channel, row.destination, row.state, -1)
        transaction.count_delivery(row.channel, row.destination, int(state))
    for row in rows:
        here = (d.message_id == row.message_id) & (d.id == row.id)
        sql.execute(deliveries.update().where(here).values(state=int(state), changed=transaction.at, **values))
        if state is D.DELIVERED:  # a person confirmed that the far side has it
            transaction.feed(row.channel, row.message_id, row.id, Happening.DELIVERED)
    return [row.message_id for row in rows]


def _settle_reason(transaction: Transaction, message_id: int) -> None:
    """A message's reason is that of a delivery still held, or none."""
    sql, d = transaction.session.sql, deliveries.c
    held = sa.select(d.reason).where(d.message_id == message_id, d.state == D.HELD, d.reason.is_not(None)).limit(1)
    reason = sql.execute(held).scalar()
    if reason is None:
        _clear_reason(transaction, message_id)
    else:
        sql.execute(reasons.update().where(reasons.c.message_id == message_id).values(reason=reason))


def _clear_reason(transaction: Transaction, message_id: int) -> None:
    transaction.session.sql.execute(reasons.delete().where(reasons.c.message_id == message_id))
