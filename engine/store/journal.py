"""The journal over SQL: writes go to the writer, reads to a pooled connection in a thread of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from engine.core.errors import ChecksumError
from engine.core.ids import id_text
from engine.ports.connector import Attachment, Reason
from engine.ports.journal import (
    Appended,
    ChannelCount,
    MessageRow,
    MessageView,
    NewMessage,
    Outcome,
    PendingDelivery,
    PendingMessage,
    Query,
    RevisionRow,
    Settlement,
)
from engine.ports.states import DeliveryState, MessageState
from engine.store import channel_states, operate, read, revisions, search, taken
from engine.store.attachments import read_attachments
from engine.store.names import Names
from engine.store.read import Broken
from engine.store.reader import Reader
from engine.store.retention import Retention
from engine.store.schema import deliveries
from engine.store.writer import Writer

T = TypeVar("T")
_KEYS_AT_ONCE = 500  # in one IN list


class SqlJournal:
    """`engine.ports.journal.Journal`."""

    def __init__(self, writer: Writer, reader: Reader, retention: Retention) -> None:
        self._writer, self._reader, self._retention = writer, reader, retention

    # -- the hot path
    def append(self, message: NewMessage, done: Callable[[Appended | Exception], None]) -> None:
        self._writer.append(message, done)

    def finish(self, outcomes: Sequence[Outcome], done: Callable[[Exception | None], None]) -> None:
        self._writer.finish(outcomes, done)

    def settle(self, settlements: Sequence[Settlement], done: Callable[[Exception | None], None]) -> None:
        self._writer.settle(settlements, done)

    async def flush(self) -> None:
        await self._writer.flush()

    # -- recovery
    async def pending_messages(self, channel: str, after_id: int, limit: int) -> list[PendingMessage]:
        found, broken = await self._read(read.pending_messages, channel, after_id, limit)
        await self._quarantine(broken)
        return found

    async def pending_deliveries(
        self, channel: str, destination: str, after_id: int, limit: int
    ) -> list[PendingDelivery]:
        found, broken = await self._read(read.pending_deliveries, channel, destination, after_id, limit)
        await self._quarantine(broken)
        return found

    async def _quarantine(self, broken: Iterable[Broken]) -> None:
        if broken:
            await self._writer.perform(lambda transaction: operate.hold_broken(transaction, broken))

    async def held_order_keys(self, channel: str, destination: str) -> set[str]:
        return await self._read(channel_states.held_order_keys, channel, destination)

    async def oldest_not_taken(self, channel: str, destination: str) -> int | None:
        return await self._read(taken.oldest_not_taken, channel, destination)

    # -- operators
    async def search(self, query: Query) -> list[MessageRow]:
        return await self._read(search.search, query)

    async def view(self, message_id: int) -> MessageView | None:
        found, broken = await self._read(read.view, message_id)
        await self._quarantine(broken)
        if broken:
            raise ChecksumError(f"{broken[0].what} differs from what was stored", where=id_text(message_id))
        return found

    async def attachments(self, message_id: int) -> list[Attachment]:
        return await self._read(read_attachments, message_id)

    async def counts(self) -> list[ChannelCount]:
        return await self._read(search.counts)

    async def queue_depths(self) -> dict[tuple[str, str], int]:
        return await self._read(search.queue_depths)

    async def resend_message(self, message_id: int, revision: int) -> bool:
        return await self._writer.perform(lambda transaction: operate.resend_message(transaction, message_id, revision))

    async def resend_delivery(self, delivery_id: int) -> bool:
        return await self._writer.perform(lambda transaction: operate.resend_delivery(transaction, delivery_id))

    async def confirm_delivery(self, delivery_id: int, reference: str | None) -> bool:
        return await self._writer.perform(
            lambda transaction: operate.confirm_delivery(transaction, delivery_id, reference)
        )

    async def close_message(self, message_id: int, state: MessageState, reason: Reason) -> bool:
        """Raises ValueError: a state in which a HELD message cannot end."""
        if state not in (MessageState.SUPERSEDED, MessageState.DISCARDED):
            raise ValueError("a held message is closed as SUPERSEDED or DISCARDED")
        return await self._writer.perform(
            lambda transaction: operate.close_message(transaction, message_id, state, reason)
        )

    async def prune(self, before: datetime, keep: Callable[[str], bool] | None = None) -> int:
        return await self._retention.prune(before, keep)

    async def delivered_keys(self, idempotency_keys: Sequence[str]) -> set[str]:
        return await self._read(_delivered_keys, idempotency_keys)

    # -- revisions
    async def deploy(self, row: RevisionRow) -> RevisionRow:
        return await self._writer.perform(lambda transaction: revisions.deploy(transaction, row))

    async def activate(self, channel: str, revision: int, by: str) -> None:
        """`by` is recorded by the audit, which the caller writes."""
        await self._writer.perform(lambda transaction: revisions.activate(transaction, channel, revision))

    async def revisions(self, channel: str | None = None) -> list[RevisionRow]:
        return await self._read(lambda connection, names: revisions.listed(connection, channel))

    # -- channel states
    async def channel_states(self) -> dict[str, str]:
        return await self._read(channel_states.states)

    async def set_channel_state(self, channel: str, state: str) -> None:
        await self._writer.perform(lambda transaction: channel_states.set_state(transaction, channel, state))

    async def close(self) -> None:
        await self._writer.close()

    async def _read(self, query: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.to_thread(self._reader.run, lambda sql, names: query(sql, names, *arguments))


def _delivered_keys(connection: sa.Connection, names: Names, wanted: Sequence[str]) -> set[str]:
    found: set[str] = set()
    column = deliveries.c.idempotency_key
    done = sa.text(f"deliveries.state = {DeliveryState.DELIVERED:d}")  # literally: the partial index is used
    for start in range(0, len(wanted), _KEYS_AT_ONCE):
        part = list(wanted[start : start + _KEYS_AT_ONCE])
        found.update(connection.scalars(sa.select(column).where(column.in_(part), done)))
    return found
