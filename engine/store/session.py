"""One open transaction, seen the same way on both databases.

The hot path writes in bulk: a whole batch is one statement whose rows are the relation `v`. SQLite gets multi-row
VALUES, because its driver hands the interpreter lock over at every row of `executemany`, and each handover waits for
a busy event loop; PostgreSQL gets one array a column. Rare work uses SQLAlchemy on `session.sql`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import sqlalchemy as sa

Row = tuple[Any, ...]
BODY_TABLES = ("bodies", "documents", "responses", "attachments")


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

    def drop_keys(self, rows: Sequence[Row]) -> None:
        """Delete business keys: number of the name, value, message id."""
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
