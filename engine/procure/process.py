"""The service: a document comes in, its dossiers are decided over, and what follows is saved in one transaction.

Decisions over one dossier follow one another; over different ones they run side by side. The same document again
changes nothing: its newest version has the same content.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from types import MappingProxyType
from typing import Any
from weakref import WeakValueDictionary

import msgspec

from engine.canonical import Document, FieldClaim, PostingResult
from engine.core.clock import Clock, from_micros, to_micros
from engine.core.errors import StoreError
from engine.ports.procure import Change, Command, Dossier, Record, Records, Reference
from engine.procure.cases import cases_of
from engine.procure.claims import claims_after, claims_dossier, owned
from engine.procure.deciders import decide
from engine.procure.decision import DOSSIER, Decision, World
from engine.procure.milestones import moved
from engine.procure.papers import Papers, dossiers_of, papers_of, read
from engine.procure.policies import ACTIVE, ACTIVE_DOSSIER, decided_by, with_digest
from engine.procure.record_rules import Write, told_of
from engine.procure.speaking import check_speaker
from engine.procure.told import MADE_BY

_TRIES = 10  # of a decision that another one overtook
_ROUNDS = 6  # of looking up what a decision asked for
_LOOK_EVERY = 1  # seconds
_AT_ONCE = 200  # dossiers of one look at what is due


class Process:
    """The engine that owns the journal runs one."""

    def __init__(self, records: Records, clock: Clock, policies: Callable[[], Any]) -> None:
        self._records, self._clock, self._policies = records, clock, policies
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def take(
        self,
        document: Document,
        message_id: int | None = None,
        who: str | None = None,
        system: str | None = None,
        fields: Sequence[str] = (),
    ) -> None:
        """Keep a document and decide over its dossiers, and over those that were waiting for it.

        `system` is the one that says so, as config/policies/records.yaml names it; None: nobody asks who owns a field.
        `fields` are those that the system knows of; what is known already keeps all others. Empty: the whole document.

        Raises:
            RecordOwnerError: the system changes a field that others own, and that is refused; or nobody answers for
                it that a person did what it says.
        """
        check_speaker(self._policies(), document, who, system)
        if system is None:
            return await self._take(document, message_id, who)
        async with self._lock(f"{document.kind}/{document.natural_key}"):  # the version judged by is the last one
            outcome, claims = await self._judged(system, document, fields)
            await self._take(outcome, message_id, who)
        for claim in claims:
            await self._take(claim, message_id, None)

    async def _judged(
        self, system: str, document: Document, fields: Sequence[str]
    ) -> tuple[Document, list[FieldClaim]]:
        before = await self._known(document)
        if before is not None and fields:
            document = told_of(before, document, fields)
        write = Write(system, document)
        outcome = owned(self._policies(), before, write)
        dossier = await self._records.load(claims_dossier(write.document))
        standing = papers_of(dossier).newest(FieldClaim)
        claims = claims_after(write, outcome.intrusions, standing, self._clock.now())
        return outcome.document or write.document, claims

    async def _known(self, document: Document) -> Document | None:
        """Its newest version; before there is one, what the process itself asked for."""
        reference = Reference(document.kind, document.natural_key)
        before = (await self._records.latest([reference])).get(reference)
        if before is not None:
            return read(before)
        wish = MADE_BY.get(document.kind)
        given = await self._records.command_by_key(f"{wish}:{document.natural_key}") if wish else None
        return type(document).model_validate_json(given.body) if given is not None else None

    async def _take(self, document: Document, message_id: int | None, who: str | None) -> None:
        dossiers = dossiers_of(document)
        await self._decide(dossiers, document, message_id, who)
        references = [Reference(document.kind, document.natural_key), *(Reference(DOSSIER, one) for one in dossiers)]
        others = set(await self._records.dossiers_with_any(references))
        for dossier in sorted(others - set(dossiers)):
            await self._decide((dossier,))

    def home_of(self, document: Document) -> str:
        """The dossier that a document belongs to before others."""
        return dossiers_of(document)[0]

    async def answered(self, answer: PostingResult) -> None:
        """A system did what a command asked for, or refused. Only its time differs: it is the same answer again."""
        reference = Reference(answer.kind, answer.natural_key)
        before = (await self._records.latest([reference])).get(reference)
        known = read(before) if before is not None else None
        if isinstance(known, PostingResult) and known == answer.model_copy(update={"answered_at": known.answered_at}):
            return
        await self.take(answer)

    async def run(self) -> None:
        """Look at what is due until cancelled; first at what the policies may have left when the engine stopped."""
        reconsidered = False
        while True:
            try:
                if not reconsidered:
                    await self.reconsider()
                    reconsidered = True
                await self.look()
            except StoreError:
                pass  # the store tells of itself; what is due stays due
            await asyncio.sleep(_LOOK_EVERY)

    async def look(self) -> int:
        """Decide over what wished to be looked at by now. Returns how many dossiers that were."""
        due = await self._records.due(to_micros(self._clock.now()), _AT_ONCE)
        for dossier in due:
            await self._decide((dossier,))
        return len(due)

    async def told_until(self, source: str, until: datetime) -> None:
        """A source has told everything up to this time: nobody waits for it longer."""
        await self._records.set_watermark(source, to_micros(until))

    async def reconsider(self) -> int:
        """The policies changed: every dossier with something open is decided by the new ones. Returns how many."""
        digest, count = getattr(self._policies(), "digest", None), 0
        for key in await self._records.dossiers_with(ACTIVE):
            if key != ACTIVE_DOSSIER and decided_by((await self._records.load(key)).state) != digest:
                await self._decide((key,))
                count += 1
        return count

    async def weigh(self, dossier: Dossier, now: datetime) -> Decision:
        """What would be decided over what is known by now; nothing is saved."""
        marks = await self._records.watermarks()
        return (await self._decided(dossier.key, papers_of(dossier), dossier.given, now, marks))[0]

    # -------------------------------------------------------------- deciding
    async def _decide(
        self,
        keys: Sequence[str],
        document: Document | None = None,
        message_id: int | None = None,
        who: str | None = None,
    ) -> None:
        """Decide over dossiers, each with the document where there is one; all are saved, or none."""
        async with AsyncExitStack() as turn:
            for key in sorted(keys):  # one order for everybody, so that nobody waits for one another
                await turn.enter_async_context(self._lock(key))
            for _ in range(_TRIES):
                changes = await self._changes(keys, document, message_id, who)
                if not changes or await self._records.save_all(changes):
                    return
        raise StoreError("a decision was overtaken again and again", where=keys[0], remedy="it is tried again")

    def _lock(self, name: str) -> asyncio.Lock:
        """The one lock of this name, as long as anybody holds or awaits it."""
        found = self._locks.get(name)
        if found is None:
            found = self._locks[name] = asyncio.Lock()
        return found

    async def _changes(
        self, keys: Sequence[str], document: Document | None, message_id: int | None, who: str | None
    ) -> list[Change]:
        """What is decided over each. The keys of duplicates come first: the matter itself looks at what they hold."""
        ordered = sorted(keys, key=lambda one: not one.startswith("alike:"))
        known, watermarks = await self._records.together(ordered)
        changes: list[Change] = []
        beside: dict[str, Papers] = {}
        for dossier in known:
            added = self._new_version(dossier, document, message_id, who) if document is not None else ()
            if document is not None and not added:
                continue
            whole = msgspec.structs.replace(dossier, records=(*dossier.records, *added))
            papers = papers_of(whole)
            changes.append(await self._change(dossier, papers, added, watermarks, beside))
            beside[dossier.key] = papers
        return changes

    def _new_version(
        self, dossier: Dossier, document: Document, message_id: int | None, who: str | None
    ) -> tuple[Record, ...]:
        """Empty: the newest version says the same."""
        body = document.model_dump_json().encode()
        versions = [one for one in dossier.records if (one.kind, one.key) == (document.kind, document.natural_key)]
        if versions and versions[-1].body == body:
            return ()
        at = to_micros(self._clock.now())
        return (Record(document.kind, document.natural_key, len(versions) + 1, body, at, message_id, who),)

    async def _change(
        self,
        dossier: Dossier,
        papers: Papers,
        added: Sequence[Record],
        watermarks: Mapping[str, int],
        beside: Mapping[str, Papers],
    ) -> Change:
        """
        Args:
            papers: the dossier's, with what was added.
            beside: dossiers that are saved with this one, as they will be.
        """
        now = self._clock.now()
        decision, world = await self._decided(dossier.key, papers, dossier.given, now, watermarks, beside)
        cases, owners_look = cases_of(dossier, decision, world)
        looks = [one for one in (decision.look_again_at, owners_look) if one is not None]
        new = {one.key: one for one in reversed(decision.intents) if one.key not in dossier.given}
        rows = moved(
            dossier, papers, cases, [(one.document, one.what, key, to_micros(now)) for key, one in new.items()]
        )
        return Change(
            dossier=dossier.key,
            revision=dossier.revision,
            at_micros=to_micros(now),
            records=added,
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

    async def _decided(
        self,
        dossier: str,
        papers: Papers,
        given: frozenset[str],
        now: datetime,
        marks: Mapping[str, int],
        known_beside: Mapping[str, Papers] = MappingProxyType({}),
    ) -> tuple[Decision, World]:
        """Deciders ask for references as they go: each round knows what the one before asked for."""
        policies = self._policies()
        watermarks = {source: from_micros(until) for source, until in marks.items()}
        known: dict[Reference, Document | None] = {}
        beside = dict(known_beside)
        for _ in range(_ROUNDS):
            found = {reference: document for reference, document in known.items() if document is not None}
            world = World(now, found, watermarks, policies, beside, given)
            decision = decide(dossier, papers, world)
            new = [one for one in world.missing if one not in known]
            if not new:
                break
            beside |= await self._papers([one.key for one in new if one.kind == DOSSIER])
            new = [one for one in new if one.kind != DOSSIER]
            latest = await self._records.latest(new) if new else {}
            known |= {one: read(latest[one]) if one in latest else None for one in new}
        return decision, world

    async def _papers(self, keys: Sequence[str]) -> dict[str, Papers]:
        if not keys:
            return {}
        found, _ = await self._records.together(keys)
        return {one.key: papers_of(one) for one in found}
