"""The audit over SQL: each record's digest covers the record before it, and the head is kept beside the chain.

An edit, a deletion (also of the newest), an insertion or a new order breaks the chain at a known number.
"""

from __future__ import annotations

import asyncio
from hashlib import blake2b
from typing import Any

import msgspec
import sqlalchemy as sa

from engine.core.clock import from_micros
from engine.ports.audit import AuditRecord
from engine.store.names import Names
from engine.store.reader import Reader
from engine.store.schema import audit, audit_head
from engine.store.transaction import Transaction
from engine.store.writer import Writer

_AT_ONCE = 1000  # records verified with one query
_START = ""
_HEAD = sa.text(
    "INSERT INTO audit_head (one, number, digest) VALUES (1, 0, '') ON CONFLICT (one) DO UPDATE SET one = 1"
)


class SqlAudit:
    """`engine.ports.audit.Audit`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer, self._reader = writer, reader

    async def record(self, who: str, action: str, subject: str, reason: str | None = None) -> None:
        await self._writer.perform(lambda transaction: _record(transaction, who, action, subject, reason))

    async def records(self, subject: str | None = None, limit: int = 100) -> list[AuditRecord]:
        query = sa.select(audit).order_by(audit.c.number.desc()).limit(limit)
        if subject is not None:
            query = query.where(audit.c.subject == subject)
        return await asyncio.to_thread(
            self._reader.run, lambda connection, names: [_shown(row) for row in connection.execute(query)]
        )

    async def verify(self) -> int | None:
        return await asyncio.to_thread(self._reader.run, _first_broken)


def _record(transaction: Transaction, who: str, action: str, subject: str, reason: str | None) -> None:
    sql = transaction.session.sql
    sql.execute(_HEAD)  # makes or locks the head: the next number is ours until the commit
    head = sql.execute(sa.select(audit_head.c.number, audit_head.c.digest)).one()
    number = head.number + 1
    digest = _digest(head.digest, number, transaction.at, who, action, subject, reason)
    fields = (number, transaction.at, who, action, subject, reason, digest)
    sql.execute(audit.insert().values(fields))
    sql.execute(audit_head.update().values(number=number, digest=digest))


def _digest(before: str, *fields: object) -> str:
    return blake2b(msgspec.json.encode((before, *fields)), digest_size=32).hexdigest()


def _first_broken(connection: sa.Connection, names: Names) -> int | None:
    number, digest = 0, _START
    before = -1  # also a record with number 0 would be an insertion
    while rows := connection.execute(_chunk(before)).all():
        for row in rows:
            expected = _digest(digest, number + 1, row.at, row.who, row.action, row.subject, row.reason)
            if row.number != number + 1 or row.digest != expected:
                return number + 1
            number, digest = row.number, row.digest
        before = number
    head = connection.execute(sa.select(audit_head)).first()
    known = (head.number, head.digest) if head is not None else (0, _START)
    return None if known == (number, digest) else number + 1


def _chunk(after: int) -> sa.Select[Any]:
    return sa.select(audit).where(audit.c.number > after).order_by(audit.c.number).limit(_AT_ONCE)


def _shown(row: Any) -> AuditRecord:
    at = from_micros(row.at)
    return AuditRecord(row.number, at, row.who, row.action, row.subject, row.reason, row.digest)
