"""Are the figures what the documents say? Worked out anew, in two ways that share nothing with the sums.

Rows: each dossier's rows of what happened are made again from its raw documents, cases and commands. Figures: the
most looked at are counted in Python over the raw JSON of the documents, without those rows.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from engine.canonical import KINDS
from engine.ports.measures import Difference, MeasureStore, Milestone, Period
from engine.ports.procure import Records
from engine.procure.measures.catalog import MEASURES
from engine.procure.measures.compute import compute
from engine.procure.measures.recount import RECOUNTS, Raw, read_raw
from engine.procure.measures.recount_orders import OF_ORDERS
from engine.procure.milestones.commands import milestones_of_command
from engine.procure.milestones.dossier import milestones_of
from engine.procure.papers import papers_of

_MOST = 200  # differences that are told
_AT_ONCE = 500  # dossiers of one page
_FIELDS = tuple(one for one in Milestone.__struct_fields__)
Named = dict[tuple[str, str, str], Milestone]
_COLUMNS = ", ".join(one.removesuffix("_micros") for one in _FIELDS)


async def differences(store: MeasureStore, records: Records, period: Period, now: datetime) -> list[Difference]:
    """Empty: everything agrees. Rows of all times, figures of the period."""
    found = [one async for one in _rows(store, records)]
    return [*await _figures(store, period, now), *found][:_MOST]


# ------------------------------------------------------------------ rows
async def _rows(store: MeasureStore, records: Records) -> AsyncIterator[Difference]:
    """What differs is looked at once more: the process may have decided over it meanwhile."""
    kept = await _kept(store)
    known = {str(row[0]) for row in await store.measured("SELECT key FROM p2p_dossiers", {})}
    for dossier in sorted(known | kept.keys()):
        if list(_compared(kept.get(dossier, {}), await _made(store, records, dossier))):
            async for one in _again(store, records, dossier):
                yield one


async def _again(store: MeasureStore, records: Records, dossier: str) -> AsyncIterator[Difference]:
    kept = (await _kept(store, dossier)).get(dossier, {})
    for one in _compared(kept, await _made(store, records, dossier)):
        yield one


async def _made(store: MeasureStore, records: Records, dossier: str) -> Named:
    return {one.name: one for one in await remade(store, records, dossier)}


async def remade(store: MeasureStore, records: Records, dossier: str) -> list[Milestone]:
    """A dossier's rows, from nothing but what it holds."""
    whole = await records.load(dossier)
    made = list(milestones_of(dossier, papers_of(whole), whole.cases))
    text = "SELECT kind, body, name, key, at FROM p2p_commands WHERE dossier = :dossier ORDER BY number"
    for kind, body, name, key, at in await store.measured(text, {"dossier": dossier}):
        made += milestones_of_command(dossier, KINDS[kind].model_validate_json(bytes(body)), name, key, at)
    await asyncio.sleep(0)  # the engine goes on meanwhile
    return made


async def remake(store: MeasureStore, records: Records) -> int:
    """All rows anew: for documents that are older than the rows, or than what this release makes of them. The process
    goes on meanwhile. Returns how many dossiers that were."""
    dossiers = [str(row[0]) for row in await store.measured("SELECT key FROM p2p_dossiers ORDER BY key", {})]
    for dossier in dossiers:
        before = None
        while before != (now := (await records.load(dossier)).revision):  # decided over meanwhile: once more
            before = now
            await store.replace_milestones(dossier, await remade(store, records, dossier))
    return len(dossiers)


async def recent_differences(store: MeasureStore, records: Records, since_micros: int) -> list[Difference]:
    """Rows that are not what the documents say, of the dossiers that got a document since then."""
    found: list[Difference] = []
    after = ""
    while dossiers := await records.held_since(since_micros, after, _AT_ONCE):
        after = dossiers[-1]
        for dossier in dossiers:
            kept = (await _kept(store, dossier)).get(dossier, {})
            if list(_compared(kept, await _made(store, records, dossier))):
                found += [one async for one in _again(store, records, dossier)]
    return found[:_MOST]


async def _kept(store: MeasureStore, dossier: str | None = None) -> dict[str, Named]:
    found: defaultdict[str, Named] = defaultdict(dict)
    where, given = (" WHERE dossier = :dossier", {"dossier": dossier}) if dossier else ("", {})
    for row in await store.measured(f"SELECT {_COLUMNS} FROM p2p_milestones{where}", given):
        one = Milestone(**dict(zip(_FIELDS, row, strict=True)))
        found[one.dossier][one.name] = one
    return found


def _compared(kept: Named, made: Named) -> Iterator[Difference]:
    for name in sorted(kept.keys() | made.keys()):
        one, other = kept.get(name), made.get(name)
        if one != other:
            where = f"{name[0]} of {name[1]}" + (f", {name[2]}" if name[2] else "")
            yield Difference(where, _said(one, other), _said(other, one))


def _said(one: Milestone | None, other: Milestone | None) -> str:
    """The columns that differ."""
    if one is None:
        return "nothing"
    fields: Iterable[str] = _FIELDS if other is None else (f for f in _FIELDS if getattr(one, f) != getattr(other, f))
    told: dict[str, Any] = {field: getattr(one, field) for field in fields if other is not None or getattr(one, field)}
    return msgspec.json.encode(told).decode()


# ------------------------------------------------------------------ figures
async def _figures(store: MeasureStore, period: Period, now: datetime) -> list[Difference]:
    raw: Raw = await read_raw(store, period, now)
    found = []
    for name, recount in {**RECOUNTS, **OF_ORDERS}.items():
        shown = {
            row.currency: (row.numerator, row.denominator)
            for row in await compute(store, MEASURES[name], period, now)
            if (row.numerator, row.denominator) != ("0", "0")
        }
        counted = {key: (str(above), str(below)) for key, (above, below) in recount(raw).items() if above or below}
        if shown != counted:
            found.append(Difference(name, _sums(shown), _sums(counted)))
    return found


def _sums(sums: dict[str | None, tuple[str, str]]) -> str:
    return (
        "; ".join(f"{key or ''} {above} / {below}".strip() for key, (above, below) in sorted(sums.items(), key=str))
        or "0"
    )
