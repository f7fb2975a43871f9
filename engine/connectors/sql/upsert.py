"""Writing a row by its key, in each database's own words.

SQLite and PostgreSQL are told which key may be there already (ON CONFLICT). MariaDB and MySQL cannot be told
(ON DUPLICATE KEY takes any unique key, and would overwrite another row), so they and all others are asked to
update first, and to insert when there was nothing. Two that insert the same key at once: one is tried again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from engine.connectors.sql.reading import bound, table
from engine.core.errors import TransportError

_INSERTS: Mapping[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


class Upsert:
    """The statements for one table.

    Args:
        keep_newer: a row whose value in this column is higher stays as it is.
    """

    def __init__(self, name: str, key: Sequence[str], columns: Sequence[str], keep_newer: str | None = None) -> None:
        self._table = table(name, columns)
        self._key, self._keep_newer = tuple(key), keep_newer
        self._others = tuple(name for name in columns if name not in key)

    def write(self, connection: sa.Connection, row: Mapping[str, Any]) -> bool:
        """Tell whether the row is there as given; not so, when a newer one is.

        Raises:
            SQLAlchemyError: the database's own.
            TransportError: another transaction was writing the same key.
        """
        insert = _INSERTS.get(connection.dialect.name)
        changed = (
            self._update_or_insert(connection, row)
            if insert is None
            else connection.execute(
                self._on_conflict(insert, row), execution_options={"preserve_rowcount": True}
            ).rowcount
        )
        return self._keep_newer is None or changed != 0

    def _on_conflict(self, insert: Any, row: Mapping[str, Any]) -> Any:
        statement = insert(self._table).values({name: bound(value) for name, value in row.items()})
        if not self._others:
            return statement.on_conflict_do_nothing(index_elements=self._key)
        changes = {name: statement.excluded[name] for name in self._others}
        newer = None
        if self._keep_newer is not None:
            there = self._table.c[self._keep_newer]
            newer = sa.or_(there.is_(None), there <= statement.excluded[self._keep_newer])
        return statement.on_conflict_do_update(index_elements=self._key, set_=changes, where=newer)

    def _update_or_insert(self, connection: sa.Connection, row: Mapping[str, Any]) -> int:
        """Rows written."""
        same = [self._table.c[name] == bound(row[name]) for name in self._key]
        if not self._is_there(connection, same):
            self._insert(connection, row, same)
            return 1
        if not self._others:
            return 0
        changes = {name: bound(row[name]) for name in self._others}
        return connection.execute(sa.update(self._table).where(*same, *self._not_newer(row)).values(changes)).rowcount

    def _insert(self, connection: sa.Connection, row: Mapping[str, Any], same: list[sa.ColumnElement[bool]]) -> None:
        values = {name: bound(value) for name, value in row.items()}
        try:
            with connection.begin_nested():
                connection.execute(sa.insert(self._table).values(values))
        except sa.exc.IntegrityError:
            if not self._is_there(connection, same, locked=True):
                raise
            raise TransportError("another transaction was writing the same key") from None

    def _is_there(self, connection: sa.Connection, same: list[sa.ColumnElement[bool]], locked: bool = False) -> bool:
        """`locked`: as it is now, not as it was when the transaction began."""
        one: sa.ColumnElement[int] = sa.literal_column("1")
        query = sa.select(one).select_from(self._table).where(*same)
        return connection.execute(query.with_for_update() if locked else query).first() is not None

    def _not_newer(self, row: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
        if self._keep_newer is None:
            return []
        there = self._table.c[self._keep_newer]
        return [sa.or_(there.is_(None), there <= bound(row[self._keep_newer]))]


def delete_others(
    connection: sa.Connection, name: str, shared: Mapping[str, Any], own: Sequence[str], kept: Sequence[Sequence[Any]]
) -> None:
    """Delete the rows with the `shared` values whose `own` key columns are none of `kept`."""
    rows = table(name, (*shared, *own))
    conditions: list[sa.ColumnElement[bool]] = [rows.c[column] == bound(value) for column, value in shared.items()]
    for values in kept:
        same = [rows.c[column] == bound(value) for column, value in zip(own, values, strict=True)]
        conditions.append(sa.not_(sa.and_(*same)))
    connection.execute(sa.delete(rows).where(*conditions))
