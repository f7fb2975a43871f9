"""The store of the procure-to-pay process: a decision and all that follows from it in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from engine.core.errors import ChecksumError
from engine.ports.procure import Case, CaseQuery, Change, Command, Dossier, GivenCommand, Record, Reference
from engine.store.checksum import checksum
from engine.store.milestones import write_milestones
from engine.store.names import Names
from engine.store.procure_schema import cases, commands, dossiers, members, records, waits, watermarks
from engine.store.reader import Reader
from engine.store.transaction import Transaction
from engine.store.writer import Writer

T = TypeVar("T")
_AT_ONCE = 300  # pairs in one IN list
_record, _dossier, _case, _command = records.c, dossiers.c, cases.c, commands.c
_MARK = sa.text(
    "INSERT INTO p2p_watermarks (source, until) VALUES (:source, :until) ON CONFLICT (source)"
    " DO UPDATE SET until = excluded.until WHERE excluded.until > p2p_watermarks.until"
)


class SqlRecords:
    """`engine.ports.procure.Records`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer, self._reader = writer, reader

    async def load(self, dossier: str) -> Dossier:
        return await self._read(lambda sql: _load(sql, dossier))

    async def save(self, change: Change) -> bool:
        return await self._writer.perform(lambda transaction: _save(transaction, change))

    async def latest(self, references: Sequence[Reference]) -> dict[Reference, Record]:
        return await self._read(lambda sql: _latest(sql, references))

    async def versions(self, reference: Reference) -> list[Record]:
        query = sa.select(records).where(_record.kind == reference.kind, _record.key == reference.key)
        return await self._read(lambda sql: [_row(row) for row in sql.execute(query.order_by(_record.version))])

    async def dossiers_with(self, reference: Reference) -> list[str]:
        held, seen = members.c, waits.c
        query = sa.union(
            sa.select(held.dossier).where(held.kind == reference.kind, held.key == reference.key),
            sa.select(seen.dossier).where(seen.kind == reference.kind, seen.key == reference.key),
        )
        return await self._read(lambda sql: sorted(sql.scalars(query)))

    async def held_since(self, since_micros: int, after: str, limit: int) -> list[str]:
        held = members.c
        of_it = (_record.kind == held.kind) & (_record.key == held.key)
        query = sa.select(held.dossier).join(records, of_it).where(_record.at >= since_micros, held.dossier > after)
        ordered = query.distinct().order_by(held.dossier).limit(limit)
        return await self._read(lambda sql: list(sql.scalars(ordered)))

    async def due(self, now_micros: int, limit: int) -> list[str]:
        # The text is literally that of the partial index, so that both engines use it.
        waiting = sa.text("look_again IS NOT NULL")
        query = sa.select(_dossier.key).where(waiting, _dossier.look_again <= now_micros)
        return await self._read(lambda sql: list(sql.scalars(query.order_by(_dossier.look_again).limit(limit))))

    async def given(self, after: int, names: Sequence[str], limit: int) -> list[GivenCommand]:
        query = sa.select(commands).where(_command.number > after)
        if names:
            query = query.where(_command.name.in_(names))
        return await self._read(
            lambda sql: [_given(row) for row in sql.execute(query.order_by(_command.number).limit(limit))]
        )

    async def command_by_key(self, key: str) -> Command | None:
        query = sa.select(commands).where(_command.key == key)
        row = await self._read(lambda sql: sql.execute(query).first())
        return _given(row).command if row is not None else None

    async def cases(self, query: CaseQuery) -> list[Case]:
        return await self._read(lambda sql: _cases(sql, query))

    async def watermarks(self) -> dict[str, int]:
        return await self._read(lambda sql: {row.source: row.until for row in sql.execute(sa.select(watermarks))})

    async def set_watermark(self, source: str, until_micros: int) -> None:
        values = {"source": source, "until": until_micros}
        await self._writer.perform(lambda transaction: transaction.session.sql.execute(_MARK, values) and None)

    async def _read(self, query: Callable[[sa.Connection], T]) -> T:
        def work(sql: sa.Connection, names: Names) -> T:
            return query(sql)

        return await asyncio.to_thread(self._reader.run, work)


# ------------------------------------------------------------------ reading
def _load(sql: sa.Connection, key: str) -> Dossier:
    head = sql.execute(sa.select(dossiers).where(_dossier.key == key)).first()
    if head is None:
        return Dossier(key)
    held = members.c
    of_it = (_record.kind == held.kind) & (_record.key == held.key) & (held.dossier == key)
    query = sa.select(records).join(members, of_it).order_by(_record.kind, _record.key, _record.version)
    found = sa.select(cases).where(_case.dossier == key).order_by(_case.case_id)
    given = sa.select(_command.key).where(_command.dossier == key)
    return Dossier(
        key=key,
        revision=head.revision,
        records=tuple(_row(row) for row in sql.execute(query)),
        state=bytes(head.state),
        cases=tuple(_read_case(row) for row in sql.execute(found)),
        given=frozenset(sql.scalars(given)),
    )


def _latest(sql: sa.Connection, references: Sequence[Reference]) -> dict[Reference, Record]:
    found: dict[Reference, Record] = {}
    wanted = sorted(set(references))
    for start in range(0, len(wanted), _AT_ONCE):
        pairs = [(one.kind, one.key) for one in wanted[start : start + _AT_ONCE]]
        query = sa.select(records).where(sa.tuple_(_record.kind, _record.key).in_(pairs)).order_by(_record.version)
        for row in sql.execute(query):  # the newest comes last
            found[Reference(row.kind, row.key)] = _row(row)
    return found


def _cases(sql: sa.Connection, query: CaseQuery) -> list[Case]:
    statement = sa.select(cases).where(_case.state.in_(query.states))
    for name in ("owner", "type", "supplier", "facility"):
        if (value := getattr(query, name)) is not None:
            statement = statement.where(_case[name] == value)
    order = (_case.rank.desc(), _case.due.is_(None), _case.due, _case.case_id)
    return [_read_case(row) for row in sql.execute(statement.order_by(*order).limit(query.limit))]


def _row(row: Any) -> Record:
    """Raises ChecksumError: it is not what was written."""
    body = bytes(row.body)
    if checksum(body) != bytes(row.digest):
        raise ChecksumError("a document differs from what was stored", where=f"{row.kind}, version {row.version}")
    return Record(row.kind, row.key, row.version, body, row.at, row.message_id, row.who)


def _read_case(row: Any) -> Case:
    return Case(
        case_id=row.case_id,
        dossier=row.dossier,
        type=row.type,
        state=row.state,
        opened_micros=row.opened,
        title=row.title,
        owner=row.owner,
        due_micros=row.due,
        amount=row.amount,
        currency=row.currency,
        supplier=row.supplier,
        facility=row.facility,
        rank=row.rank,
        facts=msgspec.json.decode(row.facts),
    )


def _given(row: Any) -> GivenCommand:
    command = Command(row.key, row.name, row.kind, row.natural_key, bytes(row.body))
    return GivenCommand(row.number, row.dossier, command)


# ------------------------------------------------------------------ writing
def _save(transaction: Transaction, change: Change) -> bool:
    sql = transaction.session.sql
    if not _move_on(sql, change):
        return False
    _add_records(sql, change)
    _replace_waits(sql, change)
    for case in change.cases:
        _put_case(sql, case, change.at_micros)
    _give(sql, change)
    write_milestones(sql, change.milestones, change.no_milestones)
    return True


def _move_on(sql: sa.Connection, change: Change) -> bool:
    values = {"state": change.state, "changed": change.at_micros, "look_again": change.look_again_micros}
    if change.revision == 0:
        known = sql.execute(sa.select(_dossier.revision).where(_dossier.key == change.dossier)).first()
        if known is not None:
            return False
        sql.execute(dossiers.insert().values(key=change.dossier, revision=1, **values))
        return True
    here = (_dossier.key == change.dossier) & (_dossier.revision == change.revision)
    return sql.execute(dossiers.update().where(here).values(revision=change.revision + 1, **values)).rowcount == 1


def _add_records(sql: sa.Connection, change: Change) -> None:
    for one in change.records:
        known = sa.select(_record.version).where(
            _record.kind == one.kind, _record.key == one.key, _record.version == one.version
        )
        if sql.execute(known).first() is None:
            values = {"digest": checksum(one.body), "body": one.body, "at": one.at_micros, "message_id": one.message_id}
            sql.execute(records.insert().values(kind=one.kind, key=one.key, version=one.version, who=one.who, **values))
    of_it = members.c
    held = {tuple(row) for row in sql.execute(sa.select(of_it.kind, of_it.key).where(of_it.dossier == change.dossier))}
    new = sorted({(one.kind, one.key) for one in change.records} - held)
    _insert(sql, members, ({"dossier": change.dossier, "kind": kind, "key": key} for kind, key in new))


def _replace_waits(sql: sa.Connection, change: Change) -> None:
    of_it = waits.c
    seen = sa.select(of_it.kind, of_it.key).where(of_it.dossier == change.dossier)
    before = {Reference(*row) for row in sql.execute(seen)}
    now = set(change.waits)
    for gone in sorted(before - now):
        here = (of_it.kind == gone.kind) & (of_it.key == gone.key) & (of_it.dossier == change.dossier)
        sql.execute(waits.delete().where(here))
    _insert(sql, waits, ({"kind": one.kind, "key": one.key, "dossier": change.dossier} for one in sorted(now - before)))


def _put_case(sql: sa.Connection, case: Case, at: int) -> None:
    values = {
        "dossier": case.dossier, "type": case.type, "state": case.state, "changed": at, "owner": case.owner,
        "due": case.due_micros, "amount": case.amount, "currency": case.currency, "supplier": case.supplier,
        "facility": case.facility, "rank": case.rank, "title": case.title,
        "facts": msgspec.json.encode(case.facts).decode(),
    }  # fmt: skip
    changed = sql.execute(cases.update().where(_case.case_id == case.case_id).values(**values)).rowcount
    if not changed:
        sql.execute(cases.insert().values(case_id=case.case_id, opened=case.opened_micros, **values))


def _give(sql: sa.Connection, change: Change) -> None:
    """A command is given once. Numbers follow the commits: one engine at a time owns the process."""
    if not change.commands:
        return
    keys = [one.key for one in change.commands]
    known = set(sql.scalars(sa.select(_command.key).where(_command.key.in_(keys))))
    number = sql.execute(sa.select(sa.func.max(_command.number))).scalar() or 0
    rows = []
    for one in change.commands:
        if one.key in known:
            continue
        known.add(one.key)
        number += 1
        values = {"number": number, "dossier": change.dossier, "at": change.at_micros}
        rows.append(values | {name: getattr(one, name) for name in ("key", "name", "kind", "natural_key", "body")})
    _insert(sql, commands, rows)


def _insert(sql: sa.Connection, table: sa.Table, rows: Iterable[dict[str, Any]]) -> None:
    if made := list(rows):
        sql.execute(table.insert(), made)
