"""The control-number ledger over SQL."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.core.clock import from_micros, to_micros
from engine.core.errors import StoreError
from engine.ports.ledger import Claim, OutboundNumber
from engine.store.reader import Reader
from engine.store.schema import interchanges_in, interchanges_last, interchanges_out
from engine.store.transaction import Transaction
from engine.store.writer import Writer

LARGEST_NUMBER = 999_999_999  # ISA13 has nine digits
# Functional group FA and interchanges of TA1 alone: no acknowledgement is acknowledged (X12.5, X12.56), or two sides
# would answer one another for ever.
NEVER_ACKNOWLEDGED = ("TA1", "997", "999")
_TAKE = sa.text(
    "INSERT INTO interchanges_last (partner, number) VALUES (:partner, 1)"
    " ON CONFLICT (partner) DO UPDATE SET number = interchanges_last.number + 1"
)
_CLAIM = sa.text(
    "INSERT INTO interchanges_in (partner, control_number, message_id, digest)"
    " VALUES (:partner, :control_number, :message_id, :digest) ON CONFLICT DO NOTHING"
)
_in, _out = interchanges_in.c, interchanges_out.c


class SqlLedger:
    """`engine.ports.ledger.ControlNumberLedger`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer, self._reader = writer, reader

    async def claim(self, partner: str, control_number: str, message_id: int, digest: bytes) -> Claim:
        return await self._writer.perform(
            lambda transaction: _claim(transaction, partner, control_number, message_id, digest)
        )

    async def allocate(self, partner: str, delivery_key: str, transaction_set: str) -> OutboundNumber:
        return await self._writer.perform(
            lambda transaction: _allocate(transaction, partner, delivery_key, transaction_set)
        )

    async def acknowledge(self, partner: str, number: int, outcome: str, note: str | None) -> OutboundNumber | None:
        return await self._writer.perform(lambda transaction: _acknowledge(transaction, partner, number, outcome, note))

    async def unacknowledged(self, older_than: datetime) -> list[OutboundNumber]:
        # The text is literally that of the partial index, so that both engines use it.
        waiting = sa.text("acknowledged IS NULL")
        asked = _out.transaction_set.not_in(NEVER_ACKNOWLEDGED) & (_out.made < to_micros(older_than))
        query = sa.select(interchanges_out).where(waiting, asked).order_by(_out.made)
        return await asyncio.to_thread(self._list, query)

    async def remark_overdue(self, partner: str, number: int, note: str) -> bool:
        return await self._writer.perform(lambda transaction: _remark_overdue(transaction, partner, number, note))

    async def of_deliveries(self, delivery_keys: Sequence[str]) -> list[OutboundNumber]:
        query = sa.select(interchanges_out).where(_out.delivery_key.in_(delivery_keys))
        return await asyncio.to_thread(self._list, query) if delivery_keys else []

    async def outbound(self, partner: str | None = None, limit: int = 100) -> list[OutboundNumber]:
        query = sa.select(interchanges_out).order_by(_out.made.desc(), _out.number.desc()).limit(limit)
        if partner is not None:
            query = query.where(_out.partner == partner)
        return await asyncio.to_thread(self._list, query)

    def _list(self, query: sa.Select[Any]) -> list[OutboundNumber]:
        return self._reader.run(lambda connection, names: [_number(row) for row in connection.execute(query)])


def _claim(transaction: Transaction, partner: str, control_number: str, message_id: int, digest: bytes) -> Claim:
    sql = transaction.session.sql
    values = {"partner": partner, "control_number": control_number, "message_id": message_id, "digest": digest}
    if sql.execute(_CLAIM, values).rowcount == 1:
        return Claim.FIRST
    here = (_in.partner == partner) & (_in.control_number == control_number)
    owner = sql.execute(sa.select(_in.message_id).where(here)).scalar_one()
    return Claim.SAME if owner == message_id else Claim.REPEATED


def _allocate(transaction: Transaction, partner: str, delivery_key: str, transaction_set: str) -> OutboundNumber:
    sql = transaction.session.sql
    here = sa.select(interchanges_out).where(_out.partner == partner, _out.delivery_key == delivery_key)
    known = sql.execute(here).first()
    if known is None:
        number = _take(sql, partner)
        known = sql.execute(here).first()  # another node may have been first while we waited for the number
        if known is None:
            values = (partner, number, delivery_key, transaction_set, transaction.at)
            sql.execute(interchanges_out.insert().values(dict(zip(_WRITTEN, values, strict=True))))
            known = sql.execute(here).one()
    return _number(known)


_WRITTEN = ("partner", "number", "delivery_key", "transaction_set", "made")


def _take(sql: sa.Connection, partner: str) -> int:
    """The next number; the row stays locked until the commit, so that no two nodes get the same."""
    sql.execute(_TAKE, {"partner": partner})
    last = interchanges_last.c
    number: int = sql.execute(sa.select(last.number).where(last.partner == partner)).scalar_one()
    if number > LARGEST_NUMBER:
        raise StoreError("this partner's interchange control numbers are used up", where="ISA13")
    return number


def _acknowledge(
    transaction: Transaction, partner: str, number: int, outcome: str, note: str | None
) -> OutboundNumber | None:
    here = (_out.partner == partner) & (_out.number == number)
    values = {"acknowledged": outcome, "acknowledged_at": transaction.at, "note": note}
    sql = transaction.session.sql
    sql.execute(interchanges_out.update().where(here).values(values))
    row = sql.execute(sa.select(interchanges_out).where(here)).first()
    return None if row is None else _number(row)


def _remark_overdue(transaction: Transaction, partner: str, number: int, note: str) -> bool:
    here = (_out.partner == partner) & (_out.number == number) & _out.acknowledged.is_(None) & _out.note.is_(None)
    return transaction.session.sql.execute(interchanges_out.update().where(here).values(note=note)).rowcount == 1


def _number(row: Any) -> OutboundNumber:
    return OutboundNumber(
        partner=row.partner,
        number=row.number,
        delivery_key=row.delivery_key,
        transaction_set=row.transaction_set,
        made_at=from_micros(row.made),
        acknowledged=row.acknowledged,
        acknowledged_at=None if row.acknowledged_at is None else from_micros(row.acknowledged_at),
        note=row.note,
    )
