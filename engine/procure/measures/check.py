"""Are the figures what the documents say? Worked out anew, in two ways that share nothing with the sums.

Rows: each dossier's rows of what happened are made again from its raw documents, cases and commands. Figures: the
most looked at are counted in Python over the raw JSON of the documents, without those rows.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
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
from engine.procure.papers import gathers, papers_of

_MOST = 200  # differences that are told
_AT_ONCE = 500  # dossiers of one page
_FIELDS = tuple(one for one in Milestone.__struct_fields__)
Named = dict[tuple[str, str, str], Milestone]
_OF_ONE = " WHERE dossier = :dossier"
_COLUMNS = ", ".join(one.removesuffix("_micros") for one in _FIELDS)


async def differences(store: MeasureStore, records: Records, period: Period, now: datetime) -> list[Difference]:
    """Empty: everything agrees. Rows of all times, figures of the period."""
    found = [one async for one in _rows(store, records)]
    return [*await _figures(store, period, now), *found][:_MOST]


# ------------------------------------------------------------------ rows
async def _rows(store: MeasureStore, records: Records) -> AsyncIterator[Difference]:
    """Page by page: a year of a large network is a million dossiers."""
    after, text = "", f"SELECT key FROM p2p_dossiers WHERE key > :after ORDER BY key LIMIT {_AT_ONCE}"
    while page := [str(row[0]) for row in await store.measured(text, {"after": after})]:
        after = page[-1]
        kept = await _kept(store, " WHERE dossier BETWEEN :first AND :last", first=page[0], last=after)
        async for one in _differing(store, records, page, kept):
            yield one
    stray = await _kept(store, " WHERE dossier NOT IN (SELECT key FROM p2p_dossiers)")
    for dossier in sorted(stray):
        for one in _compared(stray[dossier], {}):
            yield one


async def _differing(
    store: MeasureStore, records: Records, dossiers: Sequence[str], kept: Mapping[str, Named]
) -> AsyncIterator[Difference]:
    """What differs is looked at once more: the process may have decided over it meanwhile."""
    made = await _made(store, records, dossiers)
    for dossier in dossiers:
        if list(_compared(kept.get(dossier, {}), made[dossier])):
            again = await _kept(store, _OF_ONE, dossier=dossier), await _made(store, records, [dossier])
            for one in _compared(again[0].get(dossier, {}), again[1][dossier]):
                yield one


async def _made(store: MeasureStore, records: Records, dossiers: Sequence[str]) -> dict[str, Named]:
    """Each dossier's rows, from nothing but what it holds; those that only gather have none."""
    found, _ = await records.together([one for one in dossiers if not gathers(one)])
    made: dict[str, Named] = {one: {} for one in dossiers}
    for whole in found:
        made[whole.key] = {row.name: row for row in milestones_of(whole.key, papers_of(whole), whole.cases)}
        await asyncio.sleep(0)  # the engine goes on meanwhile
    text = (
        "SELECT dossier, kind, body, name, key, at FROM p2p_commands"
        " WHERE dossier BETWEEN :first AND :last ORDER BY number"
    )
    for dossier, kind, body, name, key, at in await store.measured(text, {"first": dossiers[0], "last": dossiers[-1]}):
        if dossier not in made:  # came after the page was listed
            continue
        document = KINDS[kind].model_validate_json(bytes(body))
        made[dossier] |= {row.name: row for row in milestones_of_command(dossier, document, name, key, at)}
    return made


async def remake(store: MeasureStore, records: Records) -> int:
    """All rows anew: for documents that are older than the rows, or than what this release makes of them. The process
    goes on meanwhile. Returns how many dossiers that were."""
    dossiers = [str(row[0]) for row in await store.measured("SELECT key FROM p2p_dossiers ORDER BY key", {})]
    for dossier in dossiers:
        before = None
        while before != (now := (await records.load(dossier)).revision):  # decided over meanwhile: once more
            before = now
            made = await _made(store, records, [dossier])
            await store.replace_milestones(dossier, list(made[dossier].values()))
    return len(dossiers)


async def recent_differences(store: MeasureStore, records: Records, since_micros: int) -> list[Difference]:
    """Rows that are not what the documents say, of the dossiers that got a document since then."""
    found: list[Difference] = []
    after = ""
    while dossiers := await records.held_since(since_micros, after, _AT_ONCE):
        after = dossiers[-1]
        for dossier in dossiers:
            kept = await _kept(store, _OF_ONE, dossier=dossier)
            found += [one async for one in _differing(store, records, [dossier], kept)]
    return found[:_MOST]


async def _kept(store: MeasureStore, where: str, **values: str) -> dict[str, Named]:
    found: defaultdict[str, Named] = defaultdict(dict)
    for row in await store.measured(f"SELECT {_COLUMNS} FROM p2p_milestones{where}", values):
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
