"""Destination `sql`: each document becomes rows, found by their keys, in one transaction.

Writing the same document again leaves the same rows, so an attempt whose outcome is unknown is made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa

from engine.connectors.sql.database import Database
from engine.connectors.sql.mapping import Fields, read_document, row_of, rows_of, shared_of
from engine.connectors.sql.settings import LineRows, Rows, SqlDestinationSettings
from engine.connectors.sql.upsert import Upsert, delete_others
from engine.connectors.sql.values import value_for
from engine.core.errors import DataTypeError, DestinationError, IsthmusError, RequiredFieldError
from engine.ports.connector import ConnectorContext, Delivered, Health, Outbound, Semantics

Types = Mapping[str, sa.types.TypeEngine[Any]]  # column to its type in the database


class Lines(NamedTuple):
    """The rows of one further table; `shared` are the columns that its `belongs_by` names."""

    rows: LineRows
    found: list[Fields]
    shared: Fields


class SqlDestination:
    """Writes one set of tables."""

    def __init__(self, settings: SqlDestinationSettings, context: ConnectorContext) -> None:
        self._settings, self._context = settings, context
        self._database = Database(settings, context, settings.parallel)
        self._types: dict[str, Types] = {}

    @property
    def semantics(self) -> Semantics:
        return Semantics.IDEMPOTENT

    @property
    def parallel(self) -> int:
        return self._settings.parallel

    async def send(self, outbound: Outbound) -> Delivered:
        document = read_document(outbound)
        try:
            row = row_of(self._settings, document, outbound)
            lines = [_lines(one, document, outbound) for one in self._settings.lines]
            await self._database.run(lambda connection: self._write(connection, row, lines))
        except (RequiredFieldError, DataTypeError) as error:
            raise DestinationError(error.what, where=error.where, remedy="correct the transform or columns") from None
        except DestinationError:
            self._types = {}  # the table may be altered now, and this be sent again
            raise
        return Delivered(reference=outbound.natural_key)

    async def inquire(self, outbound: Outbound) -> Delivered | None:
        """Never asked: sending again is safe."""
        return None

    async def check(self) -> Health:
        """Are the tables and columns there."""
        try:
            missing = await self._database.run(self._missing)
        except IsthmusError as error:
            return Health(False, error.what)
        return Health(not missing, f"not in the database: {missing[0]}" if missing else "the tables can be reached")

    async def close(self) -> None:
        await self._database.close()

    # -------------------------------------------------------------- in a thread
    def _write(self, connection: sa.Connection, row: Fields, lines: list[Lines]) -> None:
        main = Upsert(self._settings.table, self._settings.key, [*self._settings.columns], self._settings.keep_newer)
        if main.write(connection, self._converted(connection, self._settings, row)):
            for one in lines:
                self._write_lines(connection, one)

    def _write_lines(self, connection: sa.Connection, lines: Lines) -> None:
        rows = lines.rows
        upsert = Upsert(rows.table, rows.key, [*rows.columns])
        converted = [self._converted(connection, rows, one) for one in lines.found]
        if lines.shared:
            shared = self._converted(connection, rows, lines.shared)
            own = [name for name in rows.key if name not in shared]
            delete_others(connection, rows.table, shared, own, [[one[name] for name in own] for one in converted])
        for one in converted:
            upsert.write(connection, one)

    def _converted(self, connection: sa.Connection, rows: Rows, row: Fields) -> dict[str, Any]:
        types = self._types_of(connection, rows.table)
        on_sqlite = connection.dialect.name == "sqlite"
        return {
            column: value_for(types.get(column), value, f"{rows.table}.{column}", on_sqlite)
            for column, value in row.items()
        }

    def _types_of(self, connection: sa.Connection, name: str) -> Types:
        if name not in self._types:
            schema, _, own = name.rpartition(".")
            found = sa.inspect(connection).get_columns(own, schema=schema or None)
            self._types[name] = {column["name"]: column["type"] for column in found}
        return self._types[name]

    def _missing(self, connection: sa.Connection) -> list[str]:
        self._types = {}
        every: tuple[Rows, ...] = (self._settings, *self._settings.lines)
        columns = [
            f"{rows.table}.{column}"
            for rows in every
            for column in rows.columns
            if column not in self._types_of(connection, rows.table)
        ]
        keys = [
            f"a unique key of {', '.join(rows.key)} in {rows.table}" for rows in every if not _unique(connection, rows)
        ]
        return columns + keys


def _unique(connection: sa.Connection, rows: Rows) -> bool:
    """Does the database itself keep two rows of one key apart."""
    schema, _, own = rows.table.rpartition(".")
    inspector, place = sa.inspect(connection), {"schema": schema or None}
    keys: list[Any] = [inspector.get_pk_constraint(own, **place)["constrained_columns"]]
    keys += [one["column_names"] for one in inspector.get_unique_constraints(own, **place)]
    keys += [one["column_names"] for one in inspector.get_indexes(own, **place) if one["unique"]]
    return set(rows.key) in [set(key) for key in keys]


def _lines(rows: LineRows, document: Any, outbound: Outbound) -> Lines:
    return Lines(rows, rows_of(rows, document, outbound), shared_of(rows, document, outbound))
