"""Writing the feed: for whom, and numbers in the order of the commits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from engine.store.session import Find, Insert, Session

ALL = 0  # as a channel: every one
_WANTED = Find("w.channel", "FROM {rows} CROSS JOIN feed_wanted w WHERE w.channel >= v.least", ("least",), ("int",))
_ROWS = Insert(
    "feed",
    ("number", "channel", "message_id", "part", "what", "at", "code"),
    ("bigint", "int", "bigint", "bigint", "smallint", "bigint", "text"),
)
_TAKE = sa.text(
    "INSERT INTO feed_head (one, number) VALUES (1, :many)"
    " ON CONFLICT (one) DO UPDATE SET number = feed_head.number + :many"
)
HEAD = sa.text("SELECT number FROM feed_head WHERE one = 1")


def wanted(session: Session) -> frozenset[int]:
    """Numbers of the channels that are read; `ALL` among them: all."""
    return frozenset(int(channel) for (channel,) in session.find(_WANTED, [(ALL,)]))


def write_rows(session: Session, fed: Sequence[tuple[Any, ...]]) -> None:
    """On PostgreSQL the head's row stays locked until the commit: another writer takes its numbers after it."""
    session.sql.execute(_TAKE, {"many": len(fed)})
    last: int = session.sql.execute(HEAD).scalar_one()
    first = last - len(fed) + 1
    session.insert(_ROWS, [(number, *row) for number, row in enumerate(fed, first)])


def drop_old(sql: sa.Connection, before: int) -> None:
    """Entries made before this time (microseconds since 1970 UTC): a reader that was stopped so long misses them."""
    newest = sql.execute(sa.text("SELECT max(number) FROM feed WHERE at < :before"), {"before": before}).scalar()
    if newest is not None:
        sql.execute(sa.text("DELETE FROM feed WHERE number <= :newest"), {"newest": newest})
