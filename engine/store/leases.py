"""Leases over SQL. A token that was overtaken fences its writer: checked inside each of its commits."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from engine.core.clock import from_micros
from engine.core.errors import FencedError
from engine.ports.leases import Lease
from engine.store.schema import leases
from engine.store.session import Session
from engine.store.transaction import Transaction
from engine.store.writer import Writer

_c = leases.c
_MICROSECOND = timedelta(microseconds=1)
_SERVER_TIME = sa.text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)")
_MAKE = sa.text(
    "INSERT INTO leases (name, node, token, expires) VALUES (:name, '', 0, 0) ON CONFLICT (name) DO NOTHING"
)


class SqlLeases:
    """`engine.ports.leases.Leases`. Lease work is never fenced itself: a fenced node must be able to come back."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def acquire(self, name: str, node: str, ttl: timedelta) -> Lease | None:
        return await self._writer.perform(lambda transaction: _acquire(transaction, name, node, ttl), fenced=False)

    async def renew(self, lease: Lease, ttl: timedelta) -> Lease | None:
        return await self._writer.perform(lambda transaction: _renew(transaction, lease, ttl), fenced=False)

    async def release(self, lease: Lease) -> None:
        await self._writer.perform(lambda transaction: _set_end(transaction, lease, 0), fenced=False)


class Fence:
    """The leases that this node's commits depend on: `tokens` by name."""

    def __init__(self) -> None:
        self.tokens: dict[str, int] = {}

    def attach(self, lease: Lease) -> None:
        self.tokens = {**self.tokens, lease.name: lease.token}

    def detach(self, name: str) -> None:
        self.tokens = {key: token for key, token in self.tokens.items() if key != name}

    def check(self, session: Session) -> None:
        """Raises FencedError. The rows stay share-locked until the commit: nobody overtakes in between."""
        held = self.tokens
        if not held:
            return
        query = sa.select(_c.name, _c.token).where(_c.name.in_(list(held)))
        if session.sql.dialect.name == "postgresql":
            query = query.with_for_update(read=True)
        found = {row.name: row.token for row in session.sql.execute(query)}
        for name, token in held.items():
            if found.get(name) != token:
                raise FencedError("fenced: another node took over this lease", where=name)


def _acquire(transaction: Transaction, name: str, node: str, ttl: timedelta) -> Lease | None:
    sql, now = transaction.session.sql, _now(transaction)
    sql.execute(_MAKE, {"name": name})
    query = sa.select(leases).where(_c.name == name)
    row = sql.execute(query.with_for_update() if sql.dialect.name == "postgresql" else query).one()
    if row.expires > now and row.node != node:
        return None
    # Our own unexpired lease keeps its token; everything else is a new ownership.
    token = row.token if row.node == node and row.expires > now else row.token + 1
    expires = now + ttl // _MICROSECOND
    sql.execute(leases.update().where(_c.name == name).values(node=node, token=token, expires=expires))
    return Lease(name, node, token, from_micros(expires))


def _renew(transaction: Transaction, lease: Lease, ttl: timedelta) -> Lease | None:
    expires = _now(transaction) + ttl // _MICROSECOND
    if not _set_end(transaction, lease, expires):
        return None
    return Lease(lease.name, lease.node, lease.token, from_micros(expires))


def _set_end(transaction: Transaction, lease: Lease, expires: int) -> bool:
    here = (_c.name == lease.name) & (_c.token == lease.token)
    return transaction.session.sql.execute(leases.update().where(here).values(expires=expires)).rowcount == 1


def _now(transaction: Transaction) -> int:
    """On PostgreSQL the server's clock: nodes whose clocks differ still agree on when a lease ends."""
    sql = transaction.session.sql
    if sql.dialect.name == "postgresql":
        return int(sql.execute(_SERVER_TIME).scalar_one())
    return transaction.at
