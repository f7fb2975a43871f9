"""One open transaction, seen the same way on both databases.

The hot path writes in bulk: a whole batch is one statement whose rows are the relation `v`. SQLite gets multi-row
VALUES, because its driver hands the interpreter lock over at every row of `executemany`, and each handover waits for
a busy event loop; PostgreSQL gets one array a column. Rare work uses SQLAlchemy on `session.sql`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec
import sqlalchemy as sa

from engine.store.days import Days

Row = tuple[Any, ...]
T = TypeVar("T")
BODY_TABLES = ("bodies", "documents", "responses")
_RESERVE = (
    0.05  # of the file stays free for the next messages: giving it back to take it again would be work for nothing
)
_VACUUM_PAGES = 1000  # 4 MB a step: a few milliseconds
_ALL = 1 << 62
_FEWEST_PAGES, _MOST_PAGES = 0.2, 50.0  # of the WAL a changed row
LARGEST = 256  # rows a statement: longer ones gain nothing and sort badly into the statement cache


class Insert(NamedTuple):
    """`INSERT INTO table (columns)` of many rows; `conflict` is what follows (`ON CONFLICT ...`)."""

    table: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    conflict: str = ""


class Change(NamedTuple):
    """A statement with `{rows}` where the relation `v(columns)` stands."""

    text: str
    columns: tuple[str, ...]
    types: tuple[str, ...]


class Find(NamedTuple):
    """`SELECT columns` + `text`, which has `{rows}`; only integers and text come back."""

    select: str
    text: str
    columns: tuple[str, ...]
    types: tuple[str, ...]


class Session(Protocol):
    @property
    def sql(self) -> sa.Connection:
        """The same transaction for SQLAlchemy Core."""
        ...

    def insert(self, statement: Insert, rows: Sequence[Row]) -> int:
        """How many rows were inserted."""
        ...

    def change(self, statement: Change, rows: Sequence[Row]) -> int:
        """How many rows were changed."""
        ...

    def find(self, statement: Find, rows: Sequence[Row]) -> list[Row]: ...

    def mark(self, state: int, changed: int, message_ids: Sequence[int]) -> None:
        """Give messages a state: nearly half the time of a `Change`, and on the way of every message twice."""
        ...

    @property
    def body_tables(self) -> tuple[str, ...]:
        """Tables of bodies from which retention deletes row by row."""
        ...

    def make_room(self, message_ids: Sequence[int]) -> None:
        """Be ready to take bodies of new messages with these ids."""
        ...

    def give_back(self, before: datetime) -> bool:
        """Give some disk back after retention dropped messages received before this time. True: there is more."""
        ...

    def begin(self) -> None: ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def close(self) -> None: ...


@lru_cache(maxsize=2048)
def _sqlite_insert(statement: Insert, rows: int) -> str:
    one = f"({','.join('?' * len(statement.columns))})"
    head = f"INSERT INTO {statement.table} ({','.join(statement.columns)}) VALUES "
    return head + ",".join([one] * rows) + f" {statement.conflict}"


def _sqlite_rows(columns: tuple[str, ...], rows: int) -> str:
    one = f"({','.join('?' * len(columns))})"
    named = ",".join(f"column{number} AS {name}" for number, name in enumerate(columns, 1))
    return f"(SELECT {named} FROM (VALUES {','.join([one] * rows)})) AS v"


@lru_cache(maxsize=2048)
def _sqlite_change(statement: Change, rows: int) -> str:
    return statement.text.format(rows=_sqlite_rows(statement.columns, rows))


@lru_cache(maxsize=2048)
def _sqlite_find(statement: Find, rows: int) -> str:
    # One row comes back, as JSON: one handover of the interpreter lock instead of one a row.
    text = statement.text.format(rows=_sqlite_rows(statement.columns, rows))
    return f"SELECT json_group_array(json_array({statement.select})) {text}"


@lru_cache(maxsize=LARGEST)
def _sqlite_mark(rows: int) -> str:
    return f"UPDATE messages SET state = ?, changed = ? WHERE id IN ({','.join('?' * rows)})"


def _parts(rows: Sequence[T]) -> list[Sequence[T]]:
    """Slices of power-of-two lengths, so that few different statements are ever prepared."""
    parts: list[Sequence[T]] = []
    start, left = 0, len(rows)
    while left:
        size = min(LARGEST, 1 << (left.bit_length() - 1))
        parts.append(rows[start : start + size])
        start, left = start + size, left - size
    return parts


def _flat(rows: Sequence[Row]) -> list[Any]:
    return [value for row in rows for value in row]


_decode = msgspec.json.Decoder(list[tuple[int | str | None, ...]]).decode


class SqliteSession:
    def __init__(self, connection: sa.Connection) -> None:
        self.sql = connection
        self._raw: Any = connection.connection.dbapi_connection
        self._vacuum_pages, self._free_before = 0, _ALL
        self._changes, self._pages_per_change = 0, 1.0

    def insert(self, statement: Insert, rows: Sequence[Row]) -> int:
        execute = self._raw.execute
        return sum(execute(_sqlite_insert(statement, len(part)), _flat(part)).rowcount for part in _parts(rows))

    def change(self, statement: Change, rows: Sequence[Row]) -> int:
        execute = self._raw.execute
        return sum(execute(_sqlite_change(statement, len(part)), _flat(part)).rowcount for part in _parts(rows))

    def find(self, statement: Find, rows: Sequence[Row]) -> list[Row]:
        found: list[Row] = []
        for part in _parts(rows):
            found += _decode(self._raw.execute(_sqlite_find(statement, len(part)), _flat(part)).fetchone()[0])
        return found

    def mark(self, state: int, changed: int, message_ids: Sequence[int]) -> None:
        for part in _parts(message_ids):
            self._raw.execute(_sqlite_mark(len(part)), (state, changed, *part))

    @property
    def body_tables(self) -> tuple[str, ...]:
        return BODY_TABLES

    def make_room(self, message_ids: Sequence[int]) -> None:
        """Ids sort by time and are the row's place: neighbours in time are neighbours in the file."""

    def give_back(self, before: datetime) -> bool:
        """Only plans it: the driver can vacuum no more than one page inside a transaction; see `vacuum`."""
        pages, free = (self._raw.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count"))
        surplus: int = free - int(pages * _RESERVE)
        if surplus <= 0 or free >= self._free_before:  # the second: the last step freed nothing
            self._free_before = _ALL
            return False
        self._vacuum_pages, self._free_before = min(surplus, _VACUUM_PAGES), free
        return True

    def vacuum(self) -> bool:
        """Between transactions: cut planned free pages off the file. True: some were, a checkpoint makes it shorter."""
        pages, self._vacuum_pages = self._vacuum_pages, 0
        if pages:
            self._raw.executescript(f"PRAGMA incremental_vacuum({pages})")
        return pages > 0

    @property
    def wal_pages(self) -> int:
        """About how many pages the WAL holds: the driver cannot ask, and the file keeps its size when it is reused.

        Estimated from rows changed; each checkpoint tells the true figure and corrects the ratio.
        """
        return int((self._raw.total_changes - self._changes) * self._pages_per_change)

    def checkpoint(self) -> None:
        """Between transactions: copy the WAL into the file as far as no reader needs the old pages."""
        _, pages, _ = self._raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        changes: int = self._raw.total_changes - self._changes
        if changes > 0:
            self._pages_per_change = min(_MOST_PAGES, max(_FEWEST_PAGES, pages / changes))
        self._changes += changes

    def begin(self) -> None:
        self._raw.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self._raw.commit()
        if self.sql.in_transaction():
            self.sql.commit()  # SQLAlchemy's own notion of the same, now ended, transaction

    def rollback(self) -> None:
        self._raw.rollback()
        if self.sql.in_transaction():
            self.sql.rollback()

    def close(self) -> None:
        self.sql.close()


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
    arrays = ",".join(f"%s::{kind}[]" for kind in types)
    return text.format(rows=f"unnest({arrays}) AS v({','.join(columns)})")


@lru_cache(maxsize=256)
def _postgres_insert(statement: Insert) -> str:
    columns = ",".join(statement.columns)
    text = f"INSERT INTO {statement.table} ({columns}) SELECT {columns} FROM {{rows}} {statement.conflict}"
    return _postgres_text(text, statement.columns, statement.types)
