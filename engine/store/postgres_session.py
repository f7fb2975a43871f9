"""A transaction on PostgreSQL: one array a column, bodies in daily partitions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from engine.store.days import Days
from engine.store.session import BODY_TABLES, Change, Find, Insert, Row

_DROP_KEYS = Change(
    "DELETE FROM keys USING {rows}"
    " WHERE keys.name = v.name AND keys.value = v.value AND keys.message_id = v.message_id",
    ("name", "value", "message_id"),
    ("int", "text", "bigint"),
)


class PostgresSession:
    def __init__(self, connection: sa.Connection) -> None:
        self.sql = connection
        self._raw: Any = connection.connection.dbapi_connection
        self._days = Days()

    def insert(self, statement: Insert, rows: Sequence[Row]) -> int:
        return self._run(_postgres_insert(statement), rows)

    def change(self, statement: Change, rows: Sequence[Row]) -> int:
        return self._run(_postgres_text(statement.text, statement.columns, statement.types), rows)

    def find(self, statement: Find, rows: Sequence[Row]) -> list[Row]:
        if not rows:
            return []
        text = _postgres_text(statement.text, statement.columns, statement.types)
        cursor = self._raw.execute(
            f"SELECT {statement.select} {text}", [list(column) for column in zip(*rows, strict=True)]
        )
        found: list[Row] = cursor.fetchall()
        return found

    def _run(self, text: str, rows: Sequence[Row]) -> int:
        if not rows:
            return 0
        changed: int = self._raw.execute(text, _columns(rows)).rowcount
        return changed

    def mark(self, state: int, changed: int, message_ids: Sequence[int]) -> None:
        text = "UPDATE messages SET state = %s, changed = %s WHERE id = ANY(%s)"
        if message_ids:
            self._raw.execute(text, (state, changed, list(message_ids)))

    def drop_keys(self, rows: Sequence[Row]) -> None:
        self.change(_DROP_KEYS, rows)

    @property
    def body_tables(self) -> tuple[str, ...]:
        return tuple(f"{table}_default" for table in BODY_TABLES)

    def make_room(self, message_ids: Sequence[int]) -> None:
        self._days.ensure(self.sql, message_ids)

    def give_back(self, before: datetime) -> bool:
        return self._days.drop_one(self.sql, before)

    def begin(self) -> None:
        """psycopg begins with the first statement."""

    def commit(self) -> None:
        self._raw.commit()
        if self.sql.in_transaction():
            self.sql.commit()

    def rollback(self) -> None:
        self._days.forget()
        self._raw.rollback()
        if self.sql.in_transaction():
            self.sql.rollback()

    def close(self) -> None:
        self.sql.close()


def _columns(rows: Sequence[Row]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


@lru_cache(maxsize=256)
def _postgres_text(text: str, columns: tuple[str, ...], types: tuple[str, ...]) -> str:
    # Binary: as text, psycopg would write every body as hexadecimal digits, at twice the processor time.
    arrays = ",".join(f"%b::{kind}[]" for kind in types)
    return text.format(rows=f"unnest({arrays}) AS v({','.join(columns)})")


@lru_cache(maxsize=256)
def _postgres_insert(statement: Insert) -> str:
    columns = ",".join(statement.columns)
    text = f"INSERT INTO {statement.table} ({columns}) SELECT {columns} FROM {{rows}} {statement.conflict}"
    return _postgres_text(text, statement.columns, statement.types)
