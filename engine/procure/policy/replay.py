"""Recent history decided once more by other policies: what would come out otherwise, in counts and in money.

Both decisions are made now, over the same documents and as if nothing had been done yet, so that what differs is the
policies' doing: an invoice that was posted long ago is told as one that a person would have been asked about. Nothing
is saved.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from engine.canonical import Approval, Document, Money, PostingResult
from engine.channel.policies import Policies
from engine.core.clock import Clock, to_micros
from engine.ports.procure import Dossier, Records
from engine.procure.approvals.states import FINAL
from engine.procure.decision import Decision, World, text_of
from engine.procure.ownership import owner_of
from engine.procure.papers import gathers, papers_of
from engine.procure.policies import ACTIVE_DOSSIER
from engine.procure.process import Process

_AT_ONCE = 500  # dossiers of one page
_NOBODY = "-"


class Otherwise(msgspec.Struct, frozen=True, order=True):
    """One document that the other policies decide otherwise. `before`, `after`: outcomes in words."""

    dossier: str
    document: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    amount: Decimal = Decimal(0)
    currency: str = "USD"
    supplier: str = _NOBODY
    facility: str = _NOBODY


class Share(msgspec.Struct, frozen=True):
    """Of one supplier and facility in one currency."""

    supplier: str
    facility: str
    currency: str
    documents: int
    amount: Decimal


class PolicyReport(msgspec.Struct, frozen=True):
    """`decided`: dossiers that were looked at; `outcomes`: how often which change of outcome."""

    decided: int
    policies_before: str
    policies_after: str
    otherwise: tuple[Otherwise, ...] = ()
    shares: tuple[Share, ...] = ()
    outcomes: Mapping[str, int] = {}

    @property
    def facts(self) -> dict[str, Any]:
        """For JSON: amounts as text."""
        return {
            "decided": self.decided,
            "policies": {"before": self.policies_before, "after": self.policies_after},
            "otherwise": [_fact(one) for one in self.otherwise],
            "by_supplier_and_facility": [_fact(one) for one in self.shares],
            "outcomes": dict(self.outcomes),
        }


def _fact(one: Otherwise | Share) -> dict[str, Any]:
    return {**msgspec.structs.asdict(one), "amount": text_of(one.amount)}


class PolicyReplay:
    """Decides twice over each dossier that got a document since a time."""

    def __init__(self, records: Records, clock: Clock, before: Policies, after: Policies) -> None:
        self._records, self._clock = records, clock
        self._before, self._after = before, after
        self._now, self._then = (Process(records, clock, lambda: before), Process(records, clock, lambda: after))

    async def run(self, since: datetime) -> PolicyReport:
        """
        Raises:
            StoreError: the store cannot be read now.
        """
        found: list[Otherwise] = []
        decided, now = 0, self._clock.now()
        async for dossier in self._dossiers(since):
            decided += 1
            found += await self._compared(dossier, now)
        return _report(decided, self._before, self._after, found)

    async def _dossiers(self, since: datetime) -> AsyncIterator[Dossier]:
        after = ""
        while page := await self._records.held_since(to_micros(since), after, _AT_ONCE):
            for key in page:
                if key != ACTIVE_DOSSIER and not gathers(key):  # over those that gather nothing is decided
                    yield await self._records.load(key)
            after = page[-1]

    async def _compared(self, dossier: Dossier, now: datetime) -> list[Otherwise]:
        dossier = _undone(dossier)
        documents = [paper.document for paper in papers_of(dossier).all]
        before = _outcomes(await self._now.weigh(dossier, now), World(now, {}, {}, self._before), documents)
        after = _outcomes(await self._then.weigh(dossier, now), World(now, {}, {}, self._after), documents)
        return [
            _otherwise(dossier.key, key, before.get(key, _Outcome()), after.get(key, _Outcome()))
            for key in sorted(before.keys() | after.keys())
            if before.get(key, _Outcome()).words != after.get(key, _Outcome()).words
        ]


def _undone(dossier: Dossier) -> Dossier:
    """Without the commands that were given and what systems answered to them."""
    records = tuple(one for one in dossier.records if one.kind != PostingResult.kind)
    return msgspec.structs.replace(dossier, given=frozenset(), records=records)


class _Outcome(msgspec.Struct):
    """What becomes of one document. `about` is the document itself, when it is known."""

    words: frozenset[str] = frozenset()
    money: Money | None = None
    about: Document | None = None
    supplier: str | None = None
    facility: str | None = None


def _outcomes(decision: Decision, world: World, documents: list[Document]) -> dict[str, _Outcome]:
    """By the document's key: exceptions with their owners, and what is to be done."""
    found: dict[str, _Outcome] = {}
    for one in decision.intents:
        outcome = _at(found, one.document.natural_key, one.document)
        outcome.words |= {one.what.replace("_", " ")}
    for finding in decision.findings:
        document = _document_of(finding.place, documents)
        outcome = _at(found, document.natural_key if document else finding.place, document)
        outcome.words |= {f"{finding.type} for {owner_of(finding, world).name}"}
        outcome.money = outcome.money or finding.money
        outcome.supplier, outcome.facility = outcome.supplier or finding.supplier, outcome.facility or finding.facility
    for number, state in _decided(decision).items():
        for asked in (one for one in documents if isinstance(one, Approval) and one.approval_number == number):
            _at(found, f"{asked.subject_kind}/{asked.subject_key}#{number}", asked).words |= {state}
    return found


def _decided(decision: Decision) -> dict[str, str]:
    """Of approvals that wait for nobody, what became of them, by their number."""
    told: Mapping[str, Any] = decision.state.get("approvals") or {}
    found = {number: str(one.get("state")) for number, one in told.items() if isinstance(one, Mapping)}
    return {number: state for number, state in found.items() if state in FINAL}


def _at(found: dict[str, _Outcome], key: str, document: Document | None) -> _Outcome:
    outcome = found.setdefault(key, _Outcome())
    outcome.about = outcome.about or document
    return outcome


def _document_of(place: str, documents: list[Document]) -> Document | None:
    """A finding's place begins with the key of its document."""
    near = [one for one in documents if place.startswith(one.natural_key)]
    return max(near, key=lambda one: len(one.natural_key), default=None)


def _otherwise(dossier: str, key: str, before: _Outcome, after: _Outcome) -> Otherwise:
    about = before.about or after.about
    total = getattr(about, "total", None) or before.money or after.money or Money(amount=Decimal(0))
    supplier = getattr(about, "supplier_number", None) or before.supplier or after.supplier
    facility = getattr(about, "facility", None) or before.facility or after.facility
    return Otherwise(
        dossier=dossier,
        document=key,
        before=tuple(sorted(before.words)),
        after=tuple(sorted(after.words)),
        amount=total.amount,
        currency=total.currency,
        supplier=supplier or _NOBODY,
        facility=facility or _NOBODY,
    )


def _report(decided: int, before: Policies, after: Policies, found: Iterable[Otherwise]) -> PolicyReport:
    rows = tuple(sorted(found))
    shares: defaultdict[tuple[str, str, str], list[Decimal]] = defaultdict(list)
    outcomes: defaultdict[str, int] = defaultdict(int)
    for one in rows:
        shares[one.supplier, one.facility, one.currency].append(one.amount)
        outcomes[f"{_said(one.before)} → {_said(one.after)}"] += 1
    return PolicyReport(
        decided=decided,
        policies_before=before.digest,
        policies_after=after.digest,
        otherwise=rows,
        shares=tuple(Share(*key, len(amounts), sum(amounts, Decimal(0))) for key, amounts in sorted(shares.items())),
        outcomes=dict(sorted(outcomes.items(), key=lambda one: -one[1])),
    )


def _said(words: tuple[str, ...]) -> str:
    return ", ".join(words) or "waits"
