"""The service: documents come in, their dossiers are decided over, and what follows is saved in one transaction.

What comes while a decision is under way is decided together. The same document again changes nothing: its newest
version has the same content.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from engine.canonical import Document, FieldClaim, PostingResult
from engine.core.clock import Clock, to_micros
from engine.core.errors import StoreError
from engine.ports.procure import Dossier, Records, Reference
from engine.procure.claims import claims_after, claims_dossier, owned
from engine.procure.deciding import Deciding, Offer
from engine.procure.decision import DOSSIER, Decision
from engine.procure.papers import dossiers_of, papers_of, read
from engine.procure.policies import ACTIVE, ACTIVE_DOSSIER, decided_by
from engine.procure.record_rules import Write, told_of
from engine.procure.settled import Settled, telling
from engine.procure.speaking import check_speaker
from engine.procure.told import MADE_BY
from engine.procure.turns import Turns

_LOOK_EVERY = 1  # seconds
_AT_ONCE = 200  # dossiers that are decided over together


class Process:
    """The engine that owns the journal runs one."""

    def __init__(self, records: Records, clock: Clock, policies: Callable[[], Any]) -> None:
        self._records, self._clock, self._policies = records, clock, policies
        self._deciding = Deciding(cast("Records", Settled(records)), clock, policies)
        self._turns = Turns(self._taken)

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
        async with self._deciding.lock(
            f"{document.kind}/{document.natural_key}"
        ):  # the version judged by is the last one
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
        await self._turns.offer(Offer(document, document.model_dump_json().encode(), message_id, who))

    async def _taken(self, offers: Sequence[Offer]) -> None:
        """Decide over what was offered, then over those that waited for it."""
        with telling([one.document for one in offers]):
            await self._decide(offers)

    async def _decide(self, offers: Sequence[Offer]) -> None:
        decided = await self._deciding.over(offers)
        own = {one.reference: set(one.dossiers) for one in offers}
        news = [one for one, dossiers in own.items() if dossiers & decided]
        others = await self._others(news, own) - decided
        # What had been saved already when the engine stopped: those that wait for it may not have been decided yet.
        old = [one for one in own if one not in news]
        others |= await self._others(old, own) - {key for one in old for key in own[one]} - decided
        await self._again(others)

    async def _others(self, news: Sequence[Reference], own: Mapping[Reference, set[str]]) -> set[str]:
        if not news:
            return set()
        dossiers = {Reference(DOSSIER, key) for one in news for key in own[one]}
        return await self._deciding.touched_by([*news, *sorted(dossiers)])

    async def _again(self, dossiers: Iterable[str]) -> None:
        """So many at once that the store is asked once; where one of them fails, it fails alone."""
        ordered = sorted(dossiers)
        for start in range(0, len(ordered), _AT_ONCE):
            some = ordered[start : start + _AT_ONCE]
            try:
                await self._deciding.again(some)
            except StoreError:
                raise
            except Exception:
                for key in some:
                    await self._deciding.again([key])

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
        await self._again(due)
        return len(due)

    async def told_until(self, source: str, until: datetime) -> None:
        """A source has told everything up to this time: nobody waits for it longer."""
        await self._records.set_watermark(source, to_micros(until))

    async def reconsider(self) -> int:
        """The policies changed: every dossier with something open is decided by the new ones. Returns how many."""
        digest = getattr(self._policies(), "digest", None)
        active = [one for one in await self._records.dossiers_with(ACTIVE) if one != ACTIVE_DOSSIER]
        old = []
        for start in range(0, len(active), _AT_ONCE):
            found, _ = await self._records.together(active[start : start + _AT_ONCE], settled=False)
            old += [one.key for one in found if decided_by(one.state) != digest]
        await self._again(old)
        return len(old)

    async def weigh(self, dossier: Dossier, now: datetime) -> Decision:
        """What would be decided over what is known by now; nothing is saved."""
        return await self._deciding.weigh(dossier, now)
