"""The store as deciding sees it: of stock that lasts for years only what is not settled is read, with its opening.

When what is told reaches back before the opening, everything is read; with the decision it is settled anew. So the
decisions are those over all documents, whatever came first. Docs: docs/adr/0009-dossiers.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import msgspec

from engine.canonical import Document, InventoryLevel, Item
from engine.core.clock import from_micros
from engine.ports.procure import Change, Dossier, Record, Records, Reference, settles
from engine.procure.papers import Papers, read
from engine.procure.requisitions.replenish import Place
from engine.procure.usage.opening import StockOpening
from engine.procure.usage.settling import STEPPING, Settlement, reaches_back, reference_of, settle, source_of

_AT_LEAST = 200  # documents that are settled at once
_LOOK_EVERY = 20  # saves of a dossier: to see what may be settled costs as much as a decision
_MANY = 2000  # documents: then it is looked at with each save
_KINDS = frozenset(one.kind for one in STEPPING)
_COUNTED = _KINDS | {InventoryLevel.kind}  # levels are told every night, as versions of one document
_told: ContextVar[tuple[Document, ...]] = ContextVar("told", default=())


@contextmanager
def telling(documents: Sequence[Document]) -> Iterator[None]:
    """What is decided within follows from these."""
    token = _told.set(tuple(documents))
    try:
        yield
    finally:
        _told.reset(token)


class _Loaded(NamedTuple):
    """`settled`: what of it was; None: that was not read."""

    dossier: Dossier
    settled: frozenset[Reference] | None = None


class Settled:
    """`engine.ports.procure.Records`, where whoever asks holds the locks of the dossiers until they are saved."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._loaded: dict[str, _Loaded] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)

    async def together(
        self, dossiers: Sequence[str], heads: Sequence[str] = (), settled: bool = True
    ) -> tuple[list[Dossier], dict[str, int]]:
        if not any(settles(one) for one in dossiers):
            return await self._records.together(dossiers, heads)
        found, marks = await self._records.together(dossiers, heads, settled=False)
        told = [one for one in _told.get() if isinstance(one, (*STEPPING, InventoryLevel))]
        sources = [source for one in told if (source := source_of(one)) is not None]
        opened = any(one.opening for one in found)
        shelves = await self._records.settled([*map(reference_of, told), *sources]) if opened and told else {}
        again = await self._again({one for shelf in shelves.values() for one in shelf}, told)
        seen = []
        for one in found:
            shelf = shelves.get(one.key, set())
            same = [record for reference in shelf for record in again.get(reference, ())]
            seen.append(await self._seen(_beside(one, same), told, shelf))
        return seen, marks

    async def _again(self, settled: set[Reference], told: Sequence[Document]) -> dict[Reference, list[Record]]:
        """Versions of what is settled and told once more as it was: it changes nothing."""
        found = {}
        for one in told:
            if (reference := reference_of(one)) in settled and reference not in found:
                versions = await self._records.versions(reference)
                if read(versions[-1]) == one:
                    found[reference] = versions
        return found

    async def _seen(self, dossier: Dossier, told: Sequence[Document], shelf: set[Reference]) -> Dossier:
        """A dossier as it is decided over: with its opening, or with all that it ever held."""
        if not settles(dossier.key):
            return dossier
        self._loaded.pop(dossier.key, None)
        count = sum(one.kind in _COUNTED for one in dossier.records)
        due = count >= _AT_LEAST and (dossier.revision % _LOOK_EVERY == 0 or count >= _MANY)
        if not dossier.opening:
            if due:
                self._loaded[dossier.key] = _Loaded(dossier)
            return dossier
        opening = StockOpening.model_validate_json(dossier.opening)
        records = _without_levels(dossier.records, opening.levels)
        if reaches_back(dossier.key, opening, Papers(records), told, shelf):
            return await self._whole(dossier.key)
        due = due and sum(one.kind in _COUNTED for one in records) >= _AT_LEAST
        seen = msgspec.structs.replace(dossier, records=(*records, _record(opening, dossier.opening)))
        if due:
            self._loaded[dossier.key] = _Loaded(seen)
        return seen

    async def _whole(self, key: str) -> Dossier:
        whole = await self._records.load(key)
        held = sorted({Reference(one.kind, one.key) for one in whole.records if one.kind in _KINDS})
        settled = (await self._records.settled(held)).get(key, set())
        self._loaded[key] = _Loaded(whole, frozenset(settled))
        return whole

    async def save_all(self, changes: Sequence[Change]) -> bool:
        return await self._records.save_all([await self._settling(one) for one in changes])

    async def _settling(self, change: Change) -> Change:
        loaded = self._loaded.pop(change.dossier, None)
        if loaded is None:
            return change
        papers = Papers((*loaded.dossier.records, *change.records))
        found = await self._settlement(papers, change)
        if loaded.settled is not None:
            return _anew(change, found, loaded.settled)
        if found is None or len(found.settled) + found.levels < _AT_LEAST:
            return change
        return _with(change, found, found.settled, frozenset())

    async def _settlement(self, papers: Papers, change: Change) -> Settlement | None:
        level = max(papers.newest(InventoryLevel), key=lambda one: one.as_of, default=None)
        if level is None:
            return None
        reference = Reference(Item.kind, level.item_number)
        known = (await self._records.latest([reference])).get(reference)
        item = read(known) if known is not None else None
        if not isinstance(item, Item):
            return None
        now = from_micros(change.at_micros)
        return settle(papers, Place(level.location, item, level, now.date()), now)


def _beside(dossier: Dossier, same: Sequence[Record]) -> Dossier:
    return msgspec.structs.replace(dossier, records=tuple(sorted({*dossier.records, *same}))) if same else dossier


def _without_levels(records: Sequence[Record], versions: int) -> list[Record]:
    return [one for one in records if one.kind != InventoryLevel.kind or one.version > versions]


def _record(opening: StockOpening, body: bytes) -> Record:
    return Record(opening.kind, opening.natural_key, 1, body, 0)


def _anew(change: Change, found: Settlement | None, before: frozenset[Reference]) -> Change:
    """The opening of before does not hold any more."""
    if found is None:
        return msgspec.structs.replace(change, opening=b"", reopens=sorted(before))
    again = {Reference(one.kind, one.key) for one in change.records}  # told anew, these are back in the dossier
    return _with(change, found, found.settled & ((found.settled - before) | again), before - found.settled)


def _with(
    change: Change, found: Settlement, settled: frozenset[Reference], reopened: frozenset[Reference]
) -> Change:  # fmt: skip
    body = found.opening.model_dump_json().encode()
    return msgspec.structs.replace(change, opening=body, settles=sorted(settled), reopens=sorted(reopened))
