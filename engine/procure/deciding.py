"""Deciding over dossiers: what is known is read together, decided over, and saved in one transaction.

Decisions over one dossier follow one another; over different ones they run side by side.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import msgspec

from engine.canonical import Document
from engine.core.clock import Clock, from_micros, to_micros
from engine.core.errors import StoreError
from engine.ports.procure import Change, Command, Dossier, Record, Records, Reference
from engine.procure.cases import cases_of
from engine.procure.deciders import decide
from engine.procure.decision import DOSSIER, Decision, World
from engine.procure.foreseen import foreseen
from engine.procure.milestones.dossier import moved
from engine.procure.papers import Papers, dossiers_of, gathers, is_asked_for, read
from engine.procure.policies import ACTIVE, with_digest
from engine.procure.references import Looking, Remembered, Shown

_TRIES = 10  # of a decision that another one overtook
_ROUNDS = 6  # of looking up what a decision asked for


@dataclass(frozen=True)
class Offer:
    """A document with the message that brought it, or the person who made it; `body` is its canonical JSON."""

    document: Document
    body: bytes
    message_id: int | None = None
    who: str | None = None

    @cached_property
    def reference(self) -> Reference:
        return Reference(self.document.kind, self.document.natural_key)

    @cached_property
    def dossiers(self) -> tuple[str, ...]:
        """Its own first."""
        return dossiers_of(self.document)


class _Matter:
    """A dossier that is decided over, with what was added to it."""

    def __init__(self, dossier: Dossier, added: Sequence[Record]) -> None:
        self.dossier, self.added, self.key = dossier, added, dossier.key

    @cached_property
    def papers(self) -> Papers:
        return Papers((*self.dossier.records, *self.added))


class _Known(NamedTuple):
    """What decisions that are saved together see beside their dossiers; `added` is what is saved with them."""

    references: Shown
    beside: dict[str, Papers]
    watermarks: Mapping[str, datetime]
    added: Mapping[str, Sequence[Record]]

    def shows(self, one: Reference) -> bool:
        return one.key in self.beside if one.kind == DOSSIER else one in self.references


class Deciding:
    """One a process: its locks are what keeps decisions over one dossier apart."""

    def __init__(self, records: Records, clock: Clock, policies: Callable[[], Any]) -> None:
        self._records, self._clock, self._policies = records, clock, policies
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._remembered, self._looking = Remembered(), Looking()

    def lock(self, name: str) -> asyncio.Lock:
        """The one lock of this name, as long as anybody holds or awaits it."""
        found = self._locks.get(name)
        if found is None:
            found = self._locks[name] = asyncio.Lock()
        return found

    async def over(self, offers: Sequence[Offer]) -> set[str]:
        """Keep documents and decide over their dossiers; all are saved, or none.

        Returns what was decided over: a document whose newest version has the same content changes nothing.
        """
        return await self._in_turn({key for one in offers for key in one.dossiers}, offers)

    async def again(self, keys: Iterable[str]) -> None:
        """Decide over dossiers by what is known now."""
        await self._in_turn(set(keys), ())

    async def touched_by(self, references: Sequence[Reference]) -> set[str]:
        """Dossiers to decide that hold a version of one of them or looked at one, and those that do just now."""
        now = self._looking.at_any(references)  # first: who is done before the store is asked, the store knows of
        return {one for one in (*now, *await self._records.dossiers_with_any(references)) if not gathers(one)}

    async def weigh(self, dossier: Dossier, now: datetime) -> Decision:
        """What would be decided over what is known by now; nothing is saved."""
        known = _Known(Shown({}, self._remembered), {}, _times(await self._records.watermarks()), {})
        return (await self._decided([_Matter(dossier, ())], now, known, Looking()))[dossier.key][0]

    # ------------------------------------------------------------------ in turn
    async def _in_turn(self, keys: set[str], offers: Sequence[Offer]) -> set[str]:
        async with AsyncExitStack() as turn:
            told = {f"document:{one.reference.kind}/{one.reference.key}" for one in offers}  # wherever it belongs now
            for key in sorted(keys | told):  # one order for everybody, so that nobody waits for one another
                await turn.enter_async_context(self.lock(key))
                turn.callback(self._looking.end, key)
            for _ in range(_TRIES):
                changes = await self._changes(sorted(keys), offers)
                if not changes or await self._records.save_all(changes):
                    for one in offers if changes else ():
                        self._remembered.saved(one.reference, one.document)
                    return {one.dossier for one in changes}
                self._remembered.forget()  # somebody else writes here
        raise StoreError("a decision was overtaken again and again", where=min(keys), remedy="it is tried again")

    async def _changes(self, keys: Sequence[str], offers: Sequence[Offer]) -> list[Change]:
        """What is decided over each that something was added to; over each, when nothing was offered.

        Those that only gather are not read but for what is asked for at once: what a cost center ordered in a month may
        be thousands of documents.
        """
        whole = [one for one in keys if not gathers(one)]
        asked = [one for one in keys if is_asked_for(one)]
        heads = [one for one in keys if gathers(one) and not is_asked_for(one)]
        found, marks = await self._records.together([*whole, *asked], heads)
        newest = await self._records.latest([one.reference for one in offers]) if offers else {}
        added = self._new_versions({one.key: one for one in found}, offers, newest)
        now = self._after(added.values())
        decidable, gathering = found[: len(whole)], found[len(whole) :]
        matters = [_Matter(one, added.get(one.key, ())) for one in decidable if one.key in added or not offers]
        offered = {one.reference: one.document for one in offers}
        beside = {one.key: one.papers for one in matters} if offers else {}
        beside |= {one.key: Papers((*one.records, *added.get(one.key, ()))) for one in gathering[: len(asked)]}
        known = _Known(Shown(offered, self._remembered), beside, _times(marks), added)
        decided = await self._decided(matters, now, known, self._looking)
        changes = [
            Change(one.key, one.revision, to_micros(now), added[one.key]) for one in gathering if one.key in added
        ]
        for one in matters:
            changes.append(_change(one, *decided[one.key]))
            await asyncio.sleep(0)  # others have work to do as well
        return changes

    def _new_versions(
        self, dossiers: Mapping[str, Dossier], offers: Sequence[Offer], newest: Mapping[Reference, Record]
    ) -> Mapping[str, list[Record]]:
        """By dossier. A document that says the same as its newest version adds nothing where it is already.

        Args:
            newest: versions as they are stored, in whatever dossier: who corrects where a document belongs tells of a
                version that its new dossier has none before.
        """
        added, now, newest = defaultdict[str, list[Record]](list), to_micros(self._clock.now()), dict(newest)
        for at, one in enumerate(offers, now):  # what came later has a later time
            record = newest[one.reference] = _version(one, newest.get(one.reference), at)
            own, *others = one.dossiers
            for home in (*others, own):  # its own last: the others are judged by what that has before
                told = own if gathers(home) else home
                held = (*dossiers[told].records, *added.get(told, ()))
                last = [each for each in held if (each.kind, each.key) == (record.kind, record.key)][-1:]
                if not last or last[0].body != one.body:
                    added[home].append(record)
        return added

    def _after(self, added: Iterable[Sequence[Record]]) -> datetime:
        """Now, and not before what came last: what is decided over has been there."""
        return from_micros(max([to_micros(self._clock.now()), *(one[-1].at_micros for one in added)]))

    # ------------------------------------------------------------------ by what is known
    async def _decided(
        self, matters: Sequence[_Matter], now: datetime, known: _Known, looking: Looking
    ) -> dict[str, tuple[Decision, World]]:
        """Deciders ask for references as they go: each round knows what the one before asked for."""
        policies, made = self._policies(), dict[str, tuple[Decision, World]]()
        await self._foresee(matters, known, looking)
        for _ in range(_ROUNDS):
            missing: set[Reference] = set()
            for matter in matters:
                world = World(now, known.references, known.watermarks, policies, known.beside, matter.dossier.given)
                made[matter.key] = decide(matter.key, matter.papers, world), world
                looking.at(matter.key, world.asked)  # before anything is read for it
                missing |= world.missing
                await asyncio.sleep(0)
            if not missing:
                break
            await self._look_up(missing, known)
            matters = [one for one in matters if not missing.isdisjoint(made[one.key][1].asked)]
        return made

    async def _foresee(self, matters: Sequence[_Matter], known: _Known, looking: Looking) -> None:
        """What they will ask for is there when they do, so that most are decided in one round."""
        missing: set[Reference] = set()
        for matter in matters:
            wanted = {one for one in foreseen(matter.key, matter.papers) if not known.shows(one)}
            looking.at(matter.key, wanted)
            missing |= wanted
            await asyncio.sleep(0)  # others have work to do as well
        if missing:
            await self._look_up(missing, known)

    async def _look_up(self, missing: set[Reference], known: _Known) -> None:
        dossiers = sorted(one.key for one in missing if one.kind == DOSSIER)
        if dossiers:
            found, _ = await self._records.together(dossiers)
            known.beside.update({one.key: Papers((*one.records, *known.added.get(one.key, ()))) for one in found})
        references = sorted(one for one in missing if one.kind != DOSSIER)
        latest = await self._records.latest(references) if references else {}
        for one in references:
            document = read(latest[one]) if one in latest else None
            self._remembered.was_read(one, document)
            known.references.was_read(one, document)


def _version(offer: Offer, before: Record | None, at_micros: int) -> Record:
    """The next one; the one before, when it says the same."""
    if before is not None and before.body == offer.body:
        return before
    number = 1 if before is None else before.version + 1
    kind, key = offer.reference.kind, offer.reference.key
    return Record(kind, key, number, offer.body, at_micros, offer.message_id, offer.who)


def _times(marks: Mapping[str, int]) -> dict[str, datetime]:
    return {source: from_micros(until) for source, until in marks.items()}


def _change(matter: _Matter, decision: Decision, world: World) -> Change:
    """All that a decision saves."""
    dossier, now = matter.dossier, world.now
    cases, owners_look = cases_of(dossier, decision, world)
    looks = [one for one in (decision.look_again_at, owners_look) if one is not None]
    new = {one.key: one for one in reversed(decision.intents) if one.key not in dossier.given}
    given = [(one.document, one.what, key, to_micros(now)) for key, one in new.items()]
    rows = moved(dossier, matter.papers, cases, given)
    return Change(
        dossier=dossier.key,
        revision=dossier.revision,
        at_micros=to_micros(now),
        records=matter.added,
        state=msgspec.json.encode(with_digest(decision.state, world.policies)),
        cases=cases,
        commands=[
            Command(one.key, one.what, one.document.kind, one.document.natural_key,
                    one.document.model_dump_json().encode())
            for one in reversed(new.values())
        ],
        waits=sorted(world.asked | ({ACTIVE} if decision.findings else set())),
        look_again_micros=to_micros(min(looks)) if looks else None,
        milestones=rows.now,
        no_milestones=rows.gone,
    )  # fmt: skip
