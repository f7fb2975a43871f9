"""The store of the procure-to-pay process: a decision and all that follows from it in one transaction."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from engine.core.errors import ChecksumError
from engine.ports.procure import (
    SETTLED,
    Case,
    CaseQuery,
    Change,
    Command,
    Dossier,
    GivenCommand,
    Record,
    Reference,
    settles,
)
from engine.store.checksum import checksum
from engine.store.many import many
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
        return await self._read(lambda sql: _load(sql, (dossier,))[0])

    async def together(
        self, dossiers: Sequence[str], heads: Sequence[str] = (), settled: bool = True
    ) -> tuple[list[Dossier], dict[str, int]]:
        return await self._read(lambda sql: ([*_load(sql, dossiers, settled), *_heads(sql, heads)], _marks(sql)))

    async def settled(self, references: Sequence[Reference]) -> dict[str, set[Reference]]:
        return await self._read(lambda sql: settled_among(sql, references))

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
        return await self._read(lambda sql: _held_since(sql, since_micros, after, limit))

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
# Statements of the hot path are made once: making one costs as much as running it. Each is for many keys at once.
_KEYS: sa.BindParameter[Any] = sa.bindparam("keys", expanding=True)
_KIND: sa.BindParameter[str] = sa.bindparam("kind")
_OF_IT = (_record.kind == members.c.kind) & (_record.key == members.c.key)
_HEADS = sa.select(_dossier.key, _dossier.revision, _dossier.state).where(_dossier.key.in_(_KEYS))
_HELD = (
    sa.select(members.c.dossier, *records.c).join(records, _OF_IT).where(members.c.dossier.in_(_KEYS))
    .order_by(members.c.dossier, _record.kind, _record.key, _record.version)
)  # fmt: skip
_CASES_OF = sa.select(cases).where(_case.dossier.in_(_KEYS)).order_by(_case.case_id)
_GIVEN_TO = sa.select(_command.dossier, _command.key).where(_command.dossier.in_(_KEYS))
_MARKS = sa.select(watermarks)
_other = records.alias("other").c
_NEWEST_VERSION = (
    sa.select(sa.func.max(_other.version)).where(_other.kind == _record.kind, _other.key == _record.key)
    .scalar_subquery()
)  # fmt: skip
_NEWEST = sa.select(records).where(_record.kind == _KIND, _record.key.in_(_KEYS), _record.version == _NEWEST_VERSION)
_HOLDING = sa.select(members.c.dossier).where(members.c.kind == _KIND, members.c.key.in_(_KEYS))
_LOOKING = sa.select(waits.c.dossier).where(waits.c.kind == _KIND, waits.c.key.in_(_KEYS))
_ON_SHELF = (members.c.dossier >= SETTLED) & (members.c.dossier < SETTLED + "\U0010ffff")
_SHELVED = sa.select(members.c.dossier, members.c.key).where(
    members.c.kind == _KIND, members.c.key.in_(_KEYS), _ON_SHELF
)
_MANY = 500  # keys of one statement


def _rows(sql: sa.Connection, statement: sa.Select[Any], keys: Iterable[str], **values: str) -> Iterator[sa.Row[Any]]:
    """Of so many statements as the number of keys needs."""
    wanted = sorted(set(keys))
    for start in range(0, len(wanted), _MANY):
        yield from sql.execute(statement, {"keys": wanted[start : start + _MANY], **values})


def _load(sql: sa.Connection, keys: Sequence[str], settled: bool = True) -> list[Dossier]:
    shelves = [SETTLED + key for key in keys if settles(key)]
    heads = {row.key: row for row in _rows(sql, _HEADS, (*keys, *shelves))}
    held, found = defaultdict[str, list[Record]](list), defaultdict[str, list[Case]](list)
    for row in _rows(sql, _HELD, heads if settled else keys):
        held[row.dossier].append(_row(row))
    if settled:
        for shelf in held.keys() & set(shelves):  # what was told anew is in both places
            key = shelf.removeprefix(SETTLED)
            held[key] = sorted({*held[key], *held[shelf]})
    openings = (
        {} if settled else {key.removeprefix(SETTLED): bytes(heads[key].state) for key in shelves if key in heads}
    )
    for row in _rows(sql, _CASES_OF, heads):
        found[row.dossier].append(read_case(row))
    commands_of = defaultdict[str, set[str]](set)
    for row in _rows(sql, _GIVEN_TO, heads):
        commands_of[row.dossier].add(row.key)
    return [
        Dossier(
            key=key, revision=heads[key].revision, records=tuple(held[key]), state=bytes(heads[key].state),
            cases=tuple(found[key]), given=frozenset(commands_of[key]), opening=openings.get(key, b""),
        ) if key in heads else Dossier(key)
        for key in keys
    ]  # fmt: skip


def _heads(sql: sa.Connection, keys: Sequence[str]) -> list[Dossier]:
    known = {row.key: Dossier(row.key, row.revision, state=bytes(row.state)) for row in _rows(sql, _HEADS, keys)}
    return [known.get(key) or Dossier(key) for key in keys]


def _marks(sql: sa.Connection) -> dict[str, int]:
    return {row.source: row.until for row in sql.execute(_MARKS)}


def _with_any(sql: sa.Connection, references: Iterable[Reference]) -> list[str]:
    return sorted(
        {
            row.dossier.removeprefix(SETTLED)
            for kind, keys in _by_kind(references).items()
            for statement in (_HOLDING, _LOOKING)
            for row in _rows(sql, statement, keys, kind=kind)
        }
    )


def settled_among(sql: sa.Connection, references: Iterable[Reference]) -> dict[str, set[Reference]]:
    found = defaultdict[str, set[Reference]](set)
    for kind, keys in _by_kind(references).items():
        for row in _rows(sql, _SHELVED, keys, kind=kind):
            found[row.dossier.removeprefix(SETTLED)].add(Reference(kind, row.key))
    return dict(found)


def _held_since(sql: sa.Connection, since: int, after: str, limit: int) -> list[str]:
    """Of shelves the dossiers that they are of."""
    query = sa.select(members.c.dossier).join(records, _OF_IT).where(_record.at >= since).distinct()
    ordered = query.order_by(members.c.dossier).limit(limit)
    open_ones = ordered.where(members.c.dossier > after, sa.not_(_ON_SHELF))
    shelves = ordered.where(members.c.dossier > SETTLED + after, _ON_SHELF)
    found = {*sql.scalars(open_ones), *(one.removeprefix(SETTLED) for one in sql.scalars(shelves))}
    return sorted(found)[:limit]


def _latest(sql: sa.Connection, references: Iterable[Reference]) -> dict[Reference, Record]:
    found = (_row(row) for kind, keys in _by_kind(references).items() for row in _rows(sql, _NEWEST, keys, kind=kind))
    return {Reference(one.kind, one.key): one for one in found}


def _by_kind(references: Iterable[Reference]) -> dict[str, list[str]]:
    found = defaultdict[str, list[str]](list)
    for one in references:
        found[one.kind].append(one.key)
    return found


def _cases(sql: sa.Connection, query: CaseQuery) -> list[Case]:
    statement = sa.select(cases).where(_case.state.in_(query.states))
    for name in ("owner", "type", "supplier", "facility"):
        if (value := getattr(query, name)) is not None:
            statement = statement.where(_case[name] == value)
    order = (_case.rank.desc(), _case.due.is_(None), _case.due, _case.case_id)
    return [read_case(row) for row in sql.execute(statement.order_by(*order).limit(query.limit))]


def _row(row: Any) -> Record:
    """Raises ChecksumError: it is not what was written."""
    body = bytes(row.body)
    if checksum(body) != bytes(row.digest):
        raise ChecksumError("a document differs from what was stored", where=f"{row.kind}, version {row.version}")
    return Record(row.kind, row.key, row.version, body, row.at, row.message_id, row.who)


def read_case(row: Any) -> Case:
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
_REVISIONS = sa.select(_dossier.key, _dossier.revision).where(_dossier.key.in_(_KEYS))
_KEEP = sa.text(
    "INSERT INTO p2p_records (kind, key, version, digest, body, at, message_id, who)"
    " VALUES (:kind, :key, :version, :digest, :body, :at, :message_id, :who)"
    " ON CONFLICT (kind, key, version) DO NOTHING"
)
_HOLD = sa.text(
    "INSERT INTO p2p_members (dossier, kind, key) VALUES (:dossier, :kind, :key)"
    " ON CONFLICT (dossier, kind, key) DO NOTHING"
)
_NO_HOLD = sa.text("DELETE FROM p2p_members WHERE dossier = :dossier AND kind = :kind AND key = :key")
_MOVE_ON = sa.text(
    "INSERT INTO p2p_dossiers (key, revision, state, changed, look_again)"
    " VALUES (:key, :revision, :state, :changed, :look_again) ON CONFLICT (key) DO UPDATE SET"
    " revision = excluded.revision, state = excluded.state, changed = excluded.changed,"
    " look_again = excluded.look_again"
)
_WAITED = sa.select(waits.c.dossier, waits.c.kind, waits.c.key).where(waits.c.dossier.in_(_KEYS))
_WAIT = sa.text("INSERT INTO p2p_waits (kind, key, dossier) VALUES (:kind, :key, :dossier)")
_NO_WAIT = sa.text("DELETE FROM p2p_waits WHERE kind = :kind AND key = :key AND dossier = :dossier")
_CASE_COLUMNS = tuple(column.name for column in cases.columns)
_PUT_CASE = sa.text(
    f"INSERT INTO p2p_cases ({', '.join(_CASE_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _CASE_COLUMNS)})"
    " ON CONFLICT (case_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _CASE_COLUMNS if name != "case_id")
)
_KNOWN_COMMANDS = sa.select(_command.key).where(_command.key.in_(_KEYS))
_COMMAND = sa.text(
    "INSERT INTO p2p_commands (number, key, name, dossier, kind, natural_key, body, at)"
    " VALUES (:number, :key, :name, :dossier, :kind, :natural_key, :body, :at)"
)
_LAST_COMMAND = sa.select(sa.func.max(_command.number))


def _save_all(transaction: Transaction, changes: Sequence[Change]) -> bool:
    """Everything of one kind in one statement: what is saved together is saved at the cost of one."""
    sql = transaction.session.sql
    revisions = {row.key: row.revision for row in _rows(sql, _REVISIONS, (one.dossier for one in changes))}
    if any(revisions.get(one.dossier, 0) != one.revision for one in changes):
        return False  # looked at first: what one of them wrote would have to be taken back
    many(sql, _MOVE_ON, [_head(one) for one in changes])
    _add_records(sql, changes)
    _settle(sql, changes)
    _replace_waits(sql, changes)
    many(sql, _PUT_CASE, [_case_row(case, one.at_micros) for one in changes for case in one.cases])
    _give(sql, changes)
    write_milestones(
        sql, [row for one in changes for row in one.milestones], [row for one in changes for row in one.no_milestones]
    )
    return True


def _head(change: Change) -> dict[str, Any]:
    return {
        "key": change.dossier, "revision": change.revision + 1, "state": change.state, "changed": change.at_micros,
        "look_again": change.look_again_micros,
    }  # fmt: skip


def _add_records(sql: sa.Connection, changes: Sequence[Change]) -> None:
    kept = {(one.kind, one.key, one.version): one for change in changes for one in change.records}
    many(sql, _KEEP, [
        {"kind": one.kind, "key": one.key, "version": one.version, "digest": checksum(one.body), "body": one.body,
         "at": one.at_micros, "message_id": one.message_id, "who": one.who}
        for one in kept.values()
    ])  # fmt: skip
    held = {(change.dossier, one.kind, one.key) for change in changes for one in change.records}
    many(sql, _HOLD, [{"dossier": dossier, "kind": kind, "key": key} for dossier, kind, key in sorted(held)])


def _settle(sql: sa.Connection, changes: Sequence[Change]) -> None:
    """To the shelf and back; a shelf has the opening as its state."""
    for one in changes:
        if one.opening is None:
            continue
        shelf = SETTLED + one.dossier
        many(sql, _MOVE_ON, [{"key": shelf, "revision": one.revision + 1, "state": one.opening,
                               "changed": one.at_micros, "look_again": None}])  # fmt: skip
        for old, new, moved in ((one.dossier, shelf, one.settles), (shelf, one.dossier, one.reopens)):
            many(sql, _HOLD, [{"dossier": new, "kind": each.kind, "key": each.key} for each in moved])
            many(sql, _NO_HOLD, [{"dossier": old, "kind": each.kind, "key": each.key} for each in moved])


def _replace_waits(sql: sa.Connection, changes: Sequence[Change]) -> None:
    known = (one.dossier for one in changes if one.revision)
    before = {(row.kind, row.key, row.dossier) for row in _rows(sql, _WAITED, known)}
    now = {(wait.kind, wait.key, one.dossier) for one in changes for wait in one.waits}
    names = ("kind", "key", "dossier")
    many(sql, _NO_WAIT, [dict(zip(names, one, strict=True)) for one in sorted(before - now)])
    many(sql, _WAIT, [dict(zip(names, one, strict=True)) for one in sorted(now - before)])


def _case_row(case: Case, at: int) -> dict[str, Any]:
    return {
        "case_id": case.case_id, "dossier": case.dossier, "type": case.type, "state": case.state, "changed": at,
        "owner": case.owner, "due": case.due_micros, "amount": case.amount, "currency": case.currency,
        "supplier": case.supplier, "facility": case.facility, "rank": case.rank, "title": case.title,
        "opened": case.opened_micros, "facts": msgspec.json.encode(case.facts).decode(),
    }  # fmt: skip


def _give(sql: sa.Connection, changes: Sequence[Change]) -> None:
    """A command is given once. Numbers follow the commits: one engine at a time owns the process."""
    wanted = [(change, one) for change in changes for one in change.commands]
    if not wanted:
        return
    known = {row.key for row in _rows(sql, _KNOWN_COMMANDS, (one.key for _, one in wanted))}
    number = sql.execute(_LAST_COMMAND).scalar() or 0
    rows = []
    for change, one in wanted:
        if one.key in known:
            continue
        known.add(one.key)
        number += 1
        values = {"number": number, "dossier": change.dossier, "at": change.at_micros}
        rows.append(values | {name: getattr(one, name) for name in ("key", "name", "kind", "natural_key", "body")})
    many(sql, _COMMAND, rows)
