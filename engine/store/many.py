"""One statement for many rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa


def many(sql: sa.Connection, statement: sa.TextClause, rows: Sequence[dict[str, Any]]) -> None:
    """Given to the driver as they are: what is done to each row on the way to it costs as much as the database does.

    Args:
        rows: by the names of the statement; text, bytes, whole numbers and None.
    """
    if rows:
        sql.exec_driver_sql(_text(statement, sql.dialect), list(rows))


@lru_cache(maxsize=64)
def _text(statement: sa.TextClause, dialect: sa.Dialect) -> str:
    """SQLite knows `:name` itself."""
    return statement.text if dialect.name == "sqlite" else str(statement.compile(dialect=dialect))
