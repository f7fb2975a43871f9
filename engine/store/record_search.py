"""Questions of people to the store of the procure-to-pay process (`engine.ports.p2p_operations.RecordSearch`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from engine.ports.p2p_operations import Stand, WaitingDossier, ref_of
from engine.ports.procure import SETTLED, Case, Command, GivenCommand, Reference
from engine.store.names import Names
from engine.store.procure_schema import cases, commands, dossiers, members, records
from engine.store.reader import Reader
from engine.store.records import read_case

T = TypeVar("T")
_record, _dossier, _case, _command, _held = records.c, dossiers.c, cases.c, commands.c, members.c
_AT_ONCE = 5000  # case ids of one look
_AFTER_ALL = "\U0010ffff"


class SqlRecordSearch:
    """Reads only, in threads of their own."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def case_id(self, ref: str) -> str | None:
        return await self._read(lambda sql: _case_id(sql, ref))

    async def waiting(self, limit: int) -> list[WaitingDossier]:
        here = sa.text("look_again IS NOT NULL")  # literally the partial index's
        query = sa.select(_dossier.key, _dossier.state, _dossier.look_again).where(here)
        query = query.order_by(_dossier.look_again).limit(limit)
        return await self._read(
            lambda sql: [WaitingDossier(row.key, bytes(row.state), row.look_again) for row in sql.execute(query)]
        )

    async def keys(self, kind: str, begins: str, ends: str, limit: int) -> list[Reference]:
        key = _record.key
        query = sa.select(key, sa.func.max(_record.at).label("at")).where(_record.kind == kind).group_by(key)
        if begins:
            query = query.where(key.startswith(begins, autoescape=True))
        if ends:
            query = query.where(key.endswith(ends, autoescape=True))
        query = query.order_by(sa.desc("at"), key).limit(limit)
        return await self._read(lambda sql: [Reference(kind, row.key) for row in sql.execute(query)])

    async def dossiers_holding(self, reference: Reference) -> list[str]:
        query = sa.select(_held.dossier).where(_held.kind == reference.kind, _held.key == reference.key)
        return await self._read(lambda sql: sorted({one.removeprefix(SETTLED) for one in sql.scalars(query)}))

    async def commands(self, dossier: str) -> list[tuple[GivenCommand, int]]:
        query = sa.select(commands).where(_command.dossier == dossier).order_by(_command.number)
        return await self._read(lambda sql: [(_given(row), row.at) for row in sql.execute(query)])

    async def stands(self, begins: str, limit: int) -> list[Stand]:
        query = sa.select(_dossier.key, _dossier.state, _dossier.changed).where(*_within(_dossier.key, begins))
        query = query.order_by(_dossier.changed.desc(), _dossier.key).limit(limit)
        return await self._read(
            lambda sql: [Stand(row.key, bytes(row.state), row.changed) for row in sql.execute(query)]
        )

    async def open_cases(self, begins: str) -> list[Case]:
        query = sa.select(cases).where(_case.state == "open", *_within(_case.dossier, begins)).order_by(_case.case_id)
        return await self._read(lambda sql: [read_case(row) for row in sql.execute(query)])

    async def _read(self, query: Callable[[sa.Connection], T]) -> T:
        def work(sql: sa.Connection, names: Names) -> T:
            return query(sql)

        return await asyncio.to_thread(self._reader.run, work)


def _within(column: Any, begins: str) -> tuple[Any, Any]:
    """A range of the index instead of LIKE, which an index need not serve."""
    return column >= begins, column < begins + _AFTER_ALL


def _case_id(sql: sa.Connection, ref: str) -> str | None:
    """Open ones first: nearly always it is one of them."""
    for condition in (_case.state == "open", _case.state != "open"):
        found = sql.execution_options(yield_per=_AT_ONCE).scalars(sa.select(_case.case_id).where(condition))
        for case_id in found:
            if ref_of(case_id) == ref:
                return str(case_id)
    return None


def _given(row: Any) -> GivenCommand:
    command = Command(row.key, row.name, row.kind, row.natural_key, bytes(row.body))
    return GivenCommand(row.number, row.dossier, command)
