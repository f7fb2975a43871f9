"""Deployed revisions of channels: what each said, who deployed it, which one is active."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from engine.core.clock import from_micros, to_micros
from engine.core.errors import ConfigurationError
from engine.ports.journal import RevisionRow
from engine.store.schema import revisions
from engine.store.transaction import Transaction


def deploy(transaction: Transaction, row: RevisionRow) -> RevisionRow:
    """Store a revision under the next number of its channel and make it the active one."""
    sql, c = transaction.session.sql, revisions.c
    highest = sql.execute(sa.select(sa.func.max(c.revision)).where(c.channel == row.channel)).scalar()
    stored = msgspec.structs.replace(row, revision=(highest or 0) + 1, active=True)
    _deactivate(sql, row.channel)
    sql.execute(revisions.insert().values(_values(stored)))
    return stored


def activate(transaction: Transaction, channel: str, revision: int) -> None:
    """Raises ConfigurationError: there is no such revision."""
    sql, c = transaction.session.sql, revisions.c
    _deactivate(sql, channel)
    here = (c.channel == channel) & (c.revision == revision)
    if sql.execute(revisions.update().where(here).values(active=True)).rowcount != 1:
        raise ConfigurationError("there is no such revision", where=f"{channel}@{revision}", remedy="see history")


def listed(connection: sa.Connection, channel: str | None) -> list[RevisionRow]:
    """Newest first."""
    query = sa.select(revisions).order_by(revisions.c.deployed.desc(), revisions.c.revision.desc())
    if channel is not None:
        query = query.where(revisions.c.channel == channel)
    return [_row(row) for row in connection.execute(query)]


def _deactivate(sql: sa.Connection, channel: str) -> None:
    sql.execute(revisions.update().where(revisions.c.channel == channel, revisions.c.active).values(active=False))


def _values(row: RevisionRow) -> dict[str, Any]:
    values = msgspec.structs.asdict(row)
    values["deployed"] = to_micros(values.pop("deployed_at"))
    return values


def _row(row: Any) -> RevisionRow:
    return RevisionRow(
        channel=row.channel,
        revision=row.revision,
        digest=row.digest,
        content=bytes(row.content),
        deployed_at=from_micros(row.deployed),
        deployed_by=row.deployed_by,
        note=row.note,
        active=row.active,
    )
