"""The statements of a source: which rows come next, and marking those that are done. Values are bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from engine.connectors.sql.settings import Outbox, SqlSourceSettings

_AS = "isthmus_row"


class Row(NamedTuple):
    """A row: the values it is ordered and known by, and the columns of its message."""

    order: tuple[Any, ...]
    key: tuple[Any, ...]
    kind: Any
    columns: Mapping[str, Any]


class Low(NamedTuple):
    """A bound of the watermark; `included` tells whether rows with this very value are read."""

    value: Any
    included: bool = True


class Reading:
    """The statements for one table."""

    def __init__(self, settings: SqlSourceSettings) -> None:
        self._settings = settings
        self._table = table(settings.table, _named(settings))
        self._rows = self._table.alias(_AS)
        self._order = [self._rows.c[name] for name in settings.order]

    def page(self, low: Low | None = None, after: Sequence[Any] | None = None) -> sa.Select[Any]:
        """The next rows, in order.

        Args:
            low: where the watermark begins.
            after: instead, behind the row with these values of the order's columns.
        """
        conditions = [_is(self._rows.c[name], value) for name, value in self._settings.where.items()]
        if self._settings.outbox is not None:
            conditions.append(_is(self._rows.c[self._settings.outbox.column], self._settings.outbox.waiting))
        else:
            conditions += self._bounds(low, after)
        if after is not None:
            conditions.append(_behind(self._order, after))
        statement = sa.select(*self._wanted()).select_from(self._rows).where(*conditions)
        return statement.order_by(*self._order).limit(self._settings.page)

    def _bounds(self, low: Low | None, after: Sequence[Any] | None) -> list[sa.ColumnElement[bool]]:
        watermark, bounds = self._order[0], []
        if self._settings.start_after is not None:
            bounds.append(watermark > bound(self._settings.start_after))
        if after is None:
            bounds.append(watermark.is_not(None) if low is None else _from(watermark, low))
        return bounds

    def _wanted(self) -> list[sa.ColumnElement[Any]]:
        """Order and type under names of our own, then the message's columns."""
        settings = self._settings
        wanted: list[sa.ColumnElement[Any]] = [c.label(f"{_AS}_{n}") for n, c in enumerate(self._order)]
        if settings.type_column is not None:
            wanted.append(self._rows.c[settings.type_column].label(f"{_AS}_type"))
        names = settings.columns or ((settings.body_column,) if settings.body_column else ())
        if not names:
            return [*wanted, sa.literal_column(f"{_AS}.*")]
        return [*wanted, *(self._rows.c[name] for name in names)]

    def rows(self, connection: sa.Connection, low: Low | None = None, after: Sequence[Any] | None = None) -> list[Row]:
        result = connection.execute(self.page(low, after))
        names = [column[0] for column in result.cursor.description]  # SQLAlchemy calls a lone `*` by that name
        return [self._row(dict(zip(names, found, strict=True))) for found in result]

    def _row(self, found: Mapping[str, Any]) -> Row:
        order = tuple(found[f"{_AS}_{n}"] for n in range(len(self._order)))
        by_name = dict(zip(self._settings.order, order, strict=True))
        columns = {name: value for name, value in found.items() if not name.startswith(f"{_AS}_")}
        key = tuple(by_name[name] for name in self._settings.key)
        return Row(order, key, found.get(f"{_AS}_type"), columns)

    def without_watermark(self) -> sa.Select[Any]:
        """A row that is wanted and can never be read, because its watermark is NULL."""
        conditions = [_is(self._rows.c[name], value) for name, value in self._settings.where.items()]
        one: sa.ColumnElement[int] = sa.literal_column("1")
        return sa.select(one).select_from(self._rows).where(*conditions, self._order[0].is_(None)).limit(1)

    def mark(self, connection: sa.Connection, outbox: Outbox, done: Sequence[Row], refused: Sequence[Row]) -> int:
        """Mark rows, unless somebody else did meanwhile. Returns how many were."""
        changed = 0
        refusal = outbox.done if outbox.refused is None else outbox.refused
        for rows, value in ((done, outbox.done), (refused, refusal)):
            for row in rows:
                same = [self._table.c[n] == bound(v) for n, v in zip(self._settings.key, row.key, strict=True)]
                same.append(_is(self._table.c[outbox.column], outbox.waiting))
                changed += connection.execute(self._marking(outbox, value).where(*same)).rowcount
        return changed

    def _marking(self, outbox: Outbox, value: Any) -> Any:
        if outbox.delete:
            return sa.delete(self._table)
        mark = sa.func.current_timestamp() if value is None else bound(value)
        return sa.update(self._table).values({outbox.column: mark})


def table(name: str, columns: Sequence[str]) -> sa.TableClause:
    """A table by `name` or `schema.name`, with columns that have no type: values stay as the driver has them."""
    schema, _, own = name.rpartition(".")
    return sa.table(own, *(sa.column(column) for column in dict.fromkeys(columns)), schema=schema or None)


def bound(value: Any) -> sa.BindParameter[Any]:
    """A parameter without a cast: the database takes it for the column's type."""
    return sa.bindparam(None, value, type_=sa.types.NullType())


def _from(column: sa.ColumnElement[Any], low: Low) -> sa.ColumnElement[bool]:
    return column >= bound(low.value) if low.included else column > bound(low.value)


def _is(column: sa.ColumnElement[Any], value: Any) -> sa.ColumnElement[bool]:
    return column.is_(None) if value is None else column == bound(value)


def _behind(columns: Sequence[sa.ColumnElement[Any]], values: Sequence[Any]) -> sa.ColumnElement[bool]:
    """`(a, b) > (x, y)` for databases that have no row values, in a form that uses an index on `a`."""
    first, value = columns[0], bound(values[0])
    if len(columns) == 1:
        return first > value
    further = sa.or_(first > value, _behind(columns[1:], values[1:]))
    return sa.and_(first >= value, further)


def _named(settings: SqlSourceSettings) -> list[str]:
    """Every column that the settings name."""
    single = (settings.type_column, settings.body_column, settings.outbox.column if settings.outbox else None)
    return [*settings.order, *settings.where, *settings.columns, *(name for name in single if name)]
