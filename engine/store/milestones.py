"""Rows of what happened: written with decisions, read by documented SQL (`engine.ports.measures.MeasureStore`)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from engine.ports.measures import Milestone
from engine.store.many import many
from engine.store.names import Names
from engine.store.procure_schema import milestones
from engine.store.reader import Reader
from engine.store.writer import Writer

_COLUMNS = tuple(column.name for column in milestones.columns)
_FIELDS = {"at": "at_micros", "began": "began_micros", "ended": "ended_micros"}
_NAME = ("what", "key", "detail")
_PUT = sa.text(
    f"INSERT INTO p2p_milestones ({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _COLUMNS)})"
    f" ON CONFLICT ({', '.join(_NAME)}) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name not in _NAME)
)
_AWAY = sa.text("DELETE FROM p2p_milestones WHERE what = :what AND key = :key AND detail = :detail")


def write_milestones(
    sql: sa.Connection, made: Sequence[Milestone], gone: Sequence[tuple[str, str, str]] = ()
) -> None:  # fmt: skip
    if gone:
        many(sql, _AWAY, [dict(zip(_NAME, one, strict=True)) for one in gone])
    if made:
        many(sql, _PUT, [_values(one) for one in made])


def _values(one: Milestone) -> dict[str, Any]:
    return {name: getattr(one, _FIELDS.get(name, name)) for name in _COLUMNS}


class SqlMeasures:
    """Reads in one snapshot, in threads of their own."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer, self._reader = writer, reader

    async def measured(self, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        def work(sql: sa.Connection, names: Names) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in sql.execute(sa.text(statement), dict(values))]

        return await asyncio.to_thread(self._reader.run, work)

    async def replace_milestones(self, dossier: str, made: Sequence[Milestone]) -> None:
        def work(sql: sa.Connection) -> None:
            sql.execute(milestones.delete().where(milestones.c.dossier == dossier))
            write_milestones(sql, made)

        await self._writer.perform(lambda transaction: work(transaction.session.sql))
