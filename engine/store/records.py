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

    async def together(self, dossiers: Sequence[str]) -> tuple[list[Dossier], dict[str, int]]:
        return await self._read(lambda sql: ([_load(sql, one) for one in dossiers], _marks(sql)))

    async def save(self, change: Change) -> bool:
        return await self.save_all((change,))

    async def save_all(self, changes: Sequence[Change]) -> bool:
        return await self._writer.perform(lambda transaction: _save_all(transaction, changes))

    async def latest(self, references: Sequence[Reference]) -> dict[Reference, Record]:
        return await self._read(lambda sql: _latest(sql, references))

    async def versions(self, reference: Reference) -> list[Record]:
        query = sa.select(records).where(_record.kind == reference.kind, _record.key == reference.key)
        return await self._read(lambda sql: [_row(row) for row in sql.execute(query.order_by(_record.version))])

    async def dossiers_with(self, reference: Reference) -> list[str]:
        return await self.dossiers_with_any([reference])

    async def dossiers_with_any(self, references: Sequence[Reference]) -> list[str]:
        return await self._read(lambda sql: _with_any(sql, references))

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
        return await self._read(_marks)

    async def set_watermark(self, source: str, until_micros: int) -> None:
        values = {"source": source, "until": until_micros}
        await self._writer.perform(lambda transaction: transaction.session.sql.execute(_MARK, values) and None)

    async def _read(self, query: Callable[[sa.Connection], T]) -> T:
        def work(sql: sa.Connection, names: Names) -> T:
            return query(sql)

        return await asyncio.to_thread(self._reader.run, work)


# ------------------------------------------------------------------ reading
# Statements of the hot path are made once: making one costs as much as running it.
_KEY: sa.BindParameter[str] = sa.bindparam("key")
_KIND: sa.BindParameter[str] = sa.bindparam("kind")
_OF_IT = (_record.kind == members.c.kind) & (_record.key == members.c.key) & (members.c.dossier == _KEY)
_HEAD = sa.select(dossiers.c.revision, dossiers.c.state).where(_dossier.key == _KEY)
_HELD = sa.select(records).join(members, _OF_IT).order_by(_record.kind, _record.key, _record.version)
_CASES_OF = sa.select(cases).where(_case.dossier == _KEY).order_by(_case.case_id)
_GIVEN_TO = sa.select(_command.key).where(_command.dossier == _KEY)
_MARKS = sa.select(watermarks)
_NEWEST = sa.select(records).where(_record.kind == _KIND, _record.key == _KEY).order_by(_record.version.desc()).limit(1)
_WITH = sa.union(
    sa.select(members.c.dossier).where(members.c.kind == _KIND, members.c.key == _KEY),
    sa.select(waits.c.dossier).where(waits.c.kind == _KIND, waits.c.key == _KEY),
)


def _load(sql: sa.Connection, key: str) -> Dossier:
    values = {"key": key}
    head = sql.execute(_HEAD, values).first()
    if head is None:
        return Dossier(key)
    return Dossier(
        key=key,
        revision=head.revision,
        records=tuple(_row(row) for row in sql.execute(_HELD, values)),
        state=bytes(head.state),
        cases=tuple(_read_case(row) for row in sql.execute(_CASES_OF, values)),
        given=frozenset(sql.scalars(_GIVEN_TO, values)),
    )


def _marks(sql: sa.Connection) -> dict[str, int]:
    return {row.source: row.until for row in sql.execute(_MARKS)}


def _with_any(sql: sa.Connection, references: Iterable[Reference]) -> list[str]:
    found: set[str] = set()
    for one in references:
        found.update(sql.scalars(_WITH, {"kind": one.kind, "key": one.key}))
    return sorted(found)


def _latest(sql: sa.Connection, references: Sequence[Reference]) -> dict[Reference, Record]:
    found: dict[Reference, Record] = {}
    for one in sorted(set(references)):
        row = sql.execute(_NEWEST, {"kind": one.kind, "key": one.key}).first()
        if row is not None:
            found[one] = _row(row)
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
_REVISION = sa.select(dossiers.c.revision).where(_dossier.key == _KEY)
_MOVE_ON = (
    dossiers.update()
    .where(_dossier.key == sa.bindparam("of"))
    .values({name: sa.bindparam(name) for name in ("revision", "state", "changed", "look_again")})
)
_KEEP = sa.text(
    "INSERT INTO p2p_records (kind, key, version, digest, body, at, message_id, who)"
    " VALUES (:kind, :key, :version, :digest, :body, :at, :message_id, :who)"
    " ON CONFLICT (kind, key, version) DO NOTHING"
)
_HOLD = sa.text(
    "INSERT INTO p2p_members (dossier, kind, key) VALUES (:dossier, :kind, :key)"
    " ON CONFLICT (dossier, kind, key) DO NOTHING"
)
_WAITED = sa.select(waits.c.kind, waits.c.key).where(waits.c.dossier == _KEY)
_NO_WAIT = sa.text("DELETE FROM p2p_waits WHERE kind = :kind AND key = :key AND dossier = :dossier")


def _save_all(transaction: Transaction, changes: Sequence[Change]) -> bool:
    sql = transaction.session.sql
    if any(_revision(sql, change.dossier) != change.revision for change in changes):
        return False  # looked at first: what one of them wrote would have to be taken back
    for change in changes:
        _move_on(sql, change)
        _add_records(sql, change)
        _replace_waits(sql, change)
        for case in change.cases:
            _put_case(sql, case, change.at_micros)
        _give(sql, change)
        write_milestones(sql, change.milestones, change.no_milestones)
    return True


def _revision(sql: sa.Connection, dossier: str) -> int:
    return sql.execute(_REVISION, {"key": dossier}).scalar() or 0


def _move_on(sql: sa.Connection, change: Change) -> None:
    values = {"state": change.state, "changed": change.at_micros, "look_again": change.look_again_micros}
    if change.revision == 0:
        sql.execute(dossiers.insert(), {"key": change.dossier, "revision": 1, **values})
    else:
        sql.execute(_MOVE_ON, {"of": change.dossier, "revision": change.revision + 1, **values})


def _add_records(sql: sa.Connection, change: Change) -> None:
    for one in change.records:
        values = {"digest": checksum(one.body), "body": one.body, "at": one.at_micros, "message_id": one.message_id}
        sql.execute(_KEEP, {"kind": one.kind, "key": one.key, "version": one.version, "who": one.who, **values})
        sql.execute(_HOLD, {"dossier": change.dossier, "kind": one.kind, "key": one.key})


def _replace_waits(sql: sa.Connection, change: Change) -> None:
    before = {Reference(*row) for row in sql.execute(_WAITED, {"key": change.dossier})} if change.revision else set()
    now = set(change.waits)
    for gone in sorted(before - now):
        sql.execute(_NO_WAIT, {"kind": gone.kind, "key": gone.key, "dossier": change.dossier})
    _insert(sql, waits, ({"kind": one.kind, "key": one.key, "dossier": change.dossier} for one in sorted(now - before)))


def _put_case(sql: sa.Connection, case: Case, at: int) -> None:
    values = {
        "dossier": case.dossier, "type": case.type, "state": case.state, "changed": at, "owner": case.owner,
        "due": case.due_micros, "amount": case.amount, "currency": case.currency, "supplier": case.supplier,
        "facility": case.facility, "rank": case.rank, "title": case.title, "opened": case.opened_micros,
        "facts": msgspec.json.encode(case.facts).decode(),
    }  # fmt: skip
    changed = sql.execute(cases.update().where(_case.case_id == case.case_id).values(**values)).rowcount
    if not changed:
        sql.execute(cases.insert().values(case_id=case.case_id, **values))


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
