"""Retention: final messages go in small steps through the writer, and their disk is given back.

HELD, QUEUED and RECEIVED messages stay with everything they have; the inbox stays whole, so that a natural id is
recognised for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from engine.core.clock import Clock, to_micros
from engine.ports.states import FINAL_MESSAGE_STATES, MessageState
from engine.store.append import NATURAL_ID
from engine.store.checksum import indexable
from engine.store.feed_rows import drop_old
from engine.store.names import Names
from engine.store.schema import deliveries, indexed, messages, reasons
from engine.store.transaction import Transaction
from engine.store.writer import Writer

_STEP_SECONDS = 0.02  # aimed at: far below the 100 ms that no writer may wait
_SMALLEST, _LARGEST = 50, 4000  # messages a step
_TOO_NEW = 5000  # so many newer messages in a row end the walk: ids sort by time, but clocks are set back at times


class Step(msgspec.Struct, frozen=True):
    """Where the walk stands: the last id looked at (None: the end), rows dropped, newer rows met in a row, and how
    long the writer was busy with it."""

    last: int | None
    dropped: int
    newer: int
    seconds: float = 0.0


class Retention:
    def __init__(self, writer: Writer, names: Names, clock: Clock) -> None:
        self._writer, self._names, self._clock = writer, names, clock

    async def prune(self, before: datetime, keep: Callable[[str], bool] | None) -> int:
        """How many messages were dropped."""
        kept = _Kept(self._names, keep)
        end = await self._writer.perform(_newest)  # what comes meanwhile is not walked after
        dropped, size, at = 0, 500, Step(0, 0, 0)
        while at.last is not None and at.last < end and at.newer < _TOO_NEW:
            at = await self._step(at, to_micros(before), kept, size)
            dropped += at.dropped
            size = _next_size(size, at.seconds)
            await asyncio.sleep(0)  # others' batches come in between
        await self._writer.perform(lambda transaction: drop_old(transaction.session.sql, to_micros(before)))
        await self._give_back(before)
        return dropped

    async def _step(self, at: Step, before: int, kept: _Kept, size: int) -> Step:
        def work(transaction: Transaction) -> Step:
            began = self._clock.monotonic()
            done = _drop_some(transaction, at, before, kept, size)
            return msgspec.structs.replace(done, seconds=self._clock.monotonic() - began)

        return await self._writer.perform(work)

    async def _give_back(self, before: datetime) -> None:
        while await self._writer.perform(lambda transaction: transaction.session.give_back(before)):
            await asyncio.sleep(0)


class _Kept:
    """The caller's wish, asked once a channel."""

    def __init__(self, names: Names, keep: Callable[[str], bool] | None) -> None:
        self._names, self._keep = names, keep
        self._known: dict[int, bool] = {}

    def __call__(self, connection: sa.Connection, channel: int) -> bool:
        if self._keep is None:
            return False
        if channel not in self._known:
            self._known[channel] = self._keep(self._names.name(connection, channel))
        return self._known[channel]


def _next_size(size: int, seconds: float) -> int:
    factor = 2.0 if seconds <= 0 else min(2.0, max(0.25, _STEP_SECONDS / seconds))
    return int(min(_LARGEST, max(_SMALLEST, size * factor)))


def _newest(transaction: Transaction) -> int:
    return transaction.session.sql.execute(sa.select(sa.func.max(messages.c.id))).scalar() or 0


def _drop_some(transaction: Transaction, at: Step, before: int, kept: _Kept, size: int) -> Step:
    sql, m = transaction.session.sql, messages.c
    query = sa.select(m.id, m.channel, m.state, m.received, m.natural_id).where(m.id > at.last)
    rows = sql.execute(query.order_by(m.id).limit(size)).all()
    if not rows:
        return Step(None, 0, at.newer)
    victims, newer = [], at.newer
    for row in rows:
        newer = newer + 1 if row.received >= before else 0
        if not newer and row.state in FINAL_MESSAGE_STATES and not kept(sql, row.channel):
            victims.append(row)
    if victims:
        _drop(transaction, victims, {row.id for row in rows} - {row.id for row in victims})
    return Step(rows[-1].id, len(victims), newer)


def _drop(transaction: Transaction, victims: list[Any], stay: set[int]) -> None:
    """Drop messages between the first and the last victim, except those that stay."""
    first, last = victims[0].id, victims[-1].id
    stay = {one for one in stay if first < one < last}
    _drop_keys(transaction, victims, first, last, stay)
    _count_down(transaction, victims, first, last, stay)
    sql = transaction.session.sql
    for table in (deliveries, reasons, indexed):
        sql.exec_driver_sql(f"DELETE FROM {table.name} WHERE {_range('message_id', first, last, stay)}")
    for name in transaction.session.body_tables:
        sql.exec_driver_sql(f"DELETE FROM {name} WHERE {_range('message_id', first, last, stay)}")
    sql.exec_driver_sql(f"DELETE FROM messages WHERE {_range('id', first, last, stay)}")


def _range(column: str, first: int, last: int, stay: set[int]) -> str:
    """One range a table: neighbours lie on the same pages. All values are integers of ours."""
    spared = f" AND {column} NOT IN ({','.join(map(str, sorted(stay)))})" if stay else ""
    return f"{column} BETWEEN {first} AND {last}{spared}"


def _drop_keys(transaction: Transaction, victims: list[Any], first: int, last: int, stay: set[int]) -> None:
    sql = transaction.session.sql
    found = sql.exec_driver_sql(
        f"SELECT message_id, pairs FROM indexed WHERE {_range('message_id', first, last, stay)}"
    )
    rows = [
        (transaction.number(name), indexable(value), message_id)
        for message_id, pairs in found.all()
        for name, value in msgspec.json.decode(pairs, type=list[tuple[str, str]])
    ]
    conflicting = [row for row in victims if row.state == MessageState.REFUSED and row.natural_id is not None]
    rows += [(transaction.number(NATURAL_ID), indexable(row.natural_id), row.id) for row in conflicting]
    transaction.session.drop_keys(sorted(rows))


def _count_down(transaction: Transaction, victims: list[Any], first: int, last: int, stay: set[int]) -> None:
    for row in victims:
        transaction.count_message(row.channel, row.state, -1)
    counted = transaction.session.sql.exec_driver_sql(
        "SELECT channel, destination, state, count(*) FROM deliveries"
        f" WHERE {_range('message_id', first, last, stay)} GROUP BY channel, destination, state"
    )
    for channel, destination, state, number in counted.all():
        transaction.count_delivery(channel, destination, state, -number)
