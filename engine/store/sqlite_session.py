"""A transaction on SQLite: multi-row VALUES, one row of JSON back, housekeeping between commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from engine.store.session import BODY_TABLES, Change, Find, Insert, Row

T = TypeVar("T")
WHOLE = 16  # rows that are always one statement
LARGEST = 256  # rows a statement: longer ones gain nothing and sort badly into the statement cache
_RESERVE = (
    0.05  # of the file stays free for the next messages: giving it back to take it again would be work for nothing
)
_VACUUM_PAGES = 1000  # 4 MB a step: a few milliseconds
_ALL = 1 << 62
_FEWEST_PAGES, _MOST_PAGES = 0.2, 50.0  # of the WAL a changed row


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


@lru_cache(maxsize=LARGEST)
def _sqlite_drop_keys(rows: int) -> str:
    # With OR every row is one step down the tree; with IN (VALUES ...) SQLite walks all keys of the name.
    one = "(name = ? AND value = ? AND message_id = ?)"
    return f"DELETE FROM keys WHERE {' OR '.join([one] * rows)}"


def _parts(rows: Sequence[T]) -> list[Sequence[T]]:
    """Short ones whole, longer ones in slices of power-of-two lengths, so that few different statements are prepared.

    Each statement gives the interpreter lock away and waits for it: seven rows as one and not as four, two and one.
    """
    parts: list[Sequence[T]] = []
    start, left = 0, len(rows)
    while left:
        size = left if left <= WHOLE else min(LARGEST, 1 << (left.bit_length() - 1))
        parts.append(rows[start : start + size])
        start, left = start + size, left - size
    return parts


def _flat(rows: Sequence[Row]) -> list[Any]:
    return list(chain.from_iterable(rows))


_decode = msgspec.json.Decoder(list[tuple[int | str | None, ...]]).decode


class SqliteSession:
    def __init__(self, connection: sa.Connection) -> None:
        self.sql = connection
        driver: Any = connection.connection.dbapi_connection
        self._raw, self._cursor = driver, driver.cursor()
        self._vacuum_pages, self._free_before = 0, _ALL
        self._changes, self._pages_per_change = 0, 1.0

    def insert(self, statement: Insert, rows: Sequence[Row]) -> int:
        return sum(self._run(_sqlite_insert(statement, len(part)), _flat(part)) for part in _parts(rows))

    def change(self, statement: Change, rows: Sequence[Row]) -> int:
        return sum(self._run(_sqlite_change(statement, len(part)), _flat(part)) for part in _parts(rows))

    def _run(self, text: str, values: Sequence[Any]) -> int:
        """One statement, rows changed. `executemany`, for once: `execute` hands the interpreter lock over once more,
        for the last row id, which nobody wants."""
        rows: int = self._cursor.executemany(text, (values,)).rowcount
        return rows

    def find(self, statement: Find, rows: Sequence[Row]) -> list[Row]:
        found: list[Row] = []
        for part in _parts(rows):
            found += _decode(self._raw.execute(_sqlite_find(statement, len(part)), _flat(part)).fetchone()[0])
        return found

    def mark(self, state: int, changed: int, message_ids: Sequence[int]) -> None:
        for part in _parts(message_ids):
            self._run(_sqlite_mark(len(part)), (state, changed, *part))

    def drop_keys(self, rows: Sequence[Row]) -> None:
        for part in _parts(rows):
            self._run(_sqlite_drop_keys(len(part)), _flat(part))

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
