"""Daily partitions of the body tables on PostgreSQL: made ahead of the first row, dropped whole by retention."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from engine.core.ids import first_id_at, id_time
from engine.store.session import BODY_TABLES

_DAY = timedelta(days=1)
_LOCK_KEY = 7_306_417  # advisory lock: one node at a time makes partitions


class Day(NamedTuple):
    """One UTC day and the message ids made on it: `first` included, `end` not."""

    name: str
    first: int
    end: int


def day_of(message_id: int) -> Day:
    start = id_time(message_id).replace(hour=0, minute=0, second=0, microsecond=0)
    return Day(start.strftime("%Y%m%d"), first_id_at(start), first_id_at(start + _DAY))


class Days:
    """Which days are known to have their partitions (or to live in the default one)."""

    def __init__(self) -> None:
        self._ends: dict[int, int] = {}  # first id of a day to the id after its last

    def ensure(self, sql: sa.Connection, message_ids: Iterable[int]) -> None:
        for message_id in message_ids:
            if not any(first <= message_id < end for first, end in self._ends.items()):
                day = day_of(message_id)
                _make(sql, day)
                self._ends[day.first] = day.end

    def forget(self) -> None:
        """The transaction was rolled back, and with it what it made."""
        self._ends = {}

    def drop_one(self, sql: sa.Connection, before: datetime) -> bool:
        """Drop the oldest day that ended before this time; what retention kept moves to the default partition.

        True: one was dropped, there may be more. Readers are waited for only briefly; then the driver's error says so.
        """
        found = sql.exec_driver_sql(
            "SELECT substr(relname, 8) FROM pg_class WHERE relname ~ '^bodies_[0-9]{8}$' ORDER BY relname LIMIT 1"
        ).scalar()
        if found is None:
            return False
        day = day_of(first_id_at(datetime.strptime(found, "%Y%m%d").replace(tzinfo=UTC)))
        if day.end > first_id_at(before):
            return False
        sql.exec_driver_sql("SET LOCAL lock_timeout = '100ms'")
        for table in BODY_TABLES:
            _drop(sql, table, day.name)
        self._ends.pop(day.first, None)
        return True


def _make(sql: sa.Connection, day: Day) -> None:
    sql.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")
    if sql.exec_driver_sql(f"SELECT to_regclass('bodies_{day.name}')").scalar() is not None:
        return
    if any(_in_default(sql, table, day) for table in BODY_TABLES):
        return  # retention dropped this day and kept some of it: what still comes goes beside those
    for table in BODY_TABLES:
        bounds = f"FROM ({day.first}) TO ({day.end})"
        sql.exec_driver_sql(f"CREATE TABLE {table}_{day.name} PARTITION OF {table} FOR VALUES {bounds}")


def _in_default(sql: sa.Connection, table: str, day: Day) -> bool:
    query = f"SELECT 1 FROM {table}_default WHERE message_id >= {day.first} AND message_id < {day.end} LIMIT 1"
    return sql.exec_driver_sql(query).scalar() is not None


def _drop(sql: sa.Connection, table: str, name: str) -> None:
    part = f"{table}_{name}"
    if sql.exec_driver_sql(f"SELECT to_regclass('{part}')").scalar() is None:
        return  # the day is older than the table
    sql.exec_driver_sql(f"ALTER TABLE {table} DETACH PARTITION {part}")
    sql.exec_driver_sql(f"INSERT INTO {table} SELECT part.* FROM {part} part JOIN messages m ON m.id = part.message_id")
    sql.exec_driver_sql(f"DROP TABLE {part}")
