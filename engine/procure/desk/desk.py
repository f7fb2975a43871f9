"""What people see and do: `engine.ports.p2p_operations.P2pOperations` over the process and its store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from engine.canonical import Document, Invoice, Payment, PurchaseOrder
from engine.channel.policies import Policies
from engine.core.clock import Clock, to_micros
from engine.core.errors import IsthmusError, NotFoundError
from engine.ports.audit import Audit
from engine.ports.journal import Journal, MessageView, Query
from engine.ports.lots import LotView
from engine.ports.p2p_operations import (
    CaseAsk,
    CaseRow,
    CaseView,
    Hit,
    InvoiceStatus,
    Lineage,
    OrderView,
    Queue,
    RecordSearch,
    Strip,
    SupplierView,
)
from engine.ports.procure import Case, CaseQuery, Dossier, Record, Records, Reference
from engine.procure.decision import text_of
from engine.procure.desk import actions
from engine.procure.desk.evidence import evidence_of, invoice_of
from engine.procure.desk.lineage import Follower, is_matter
from engine.procure.desk.lots import lot_view
from engine.procure.desk.rows import Commands, document_rows, history_of, row_of
from engine.procure.desk.suppliers import supplier_view
from engine.procure.desk.timeline import Known, invoice_status, place_of, steps_of
from engine.procure.papers import Papers, papers_of
from engine.procure.postings.twins import ADOPT, POST, REPOST
from engine.procure.suppliers.papers import payment_dossier, supplier_dossier

_ALL = 20_000  # open cases that the figures count
_FOUND = 20
_POSTING = frozenset({POST, ADOPT, REPOST})
_OF_INVOICES = ("order:", "invoice:")  # dossiers in which invoices are decided over
_STATES = ("open", "decided", "gone")
_FOR_PAGE = frozenset({"rule", "flip", "routing", "spells"})  # facts that have a place of their own on the page


class TakesDecisions(Protocol):
    """The process, as the desk needs it."""

    async def take(self, document: Document, message_id: int | None = None, who: str | None = None) -> None: ...


class Desk:
    """`journal`: to follow a command to the ledger's number; None: numbers are not shown."""

    def __init__(
        self,
        records: Records,
        search: RecordSearch,
        process: TakesDecisions,
        audit: Audit,
        clock: Clock,
        policies: Callable[[], Any],
        journal: Journal | None = None,
    ) -> None:
        self._records, self._search, self._process, self._audit = records, search, process, audit
        self._clock, self._policies, self._journal = clock, policies, journal

    # -------------------------------------------------------------- cases
    async def cases(self, query: CaseQuery, who: str) -> list[CaseRow]:
        now = to_micros(self._clock.now())
        return [row_of(one, now, actions.seen_of(one)) for one in await self._records.cases(query)]

    async def case(self, ref: str, who: str) -> CaseView | None:
        found = await self._case(ref)
        if found is None:
            return None
        case, dossier = found
        papers = papers_of(dossier)
        invoice = invoice_of(papers, place_of(case))
        return CaseView(
            row=self._row(case),
            facts={name: value for name, value in case.facts.items() if name not in _FOR_PAGE},
            rule=str(case.facts.get("rule", "")),
            flip=str(case.facts.get("flip", "")),
            evidence=evidence_of(papers, invoice),
            documents=document_rows(papers),
            history=history_of(case, papers, await self._search.commands(dossier.key)),
            choices=actions.choices_of(case, papers, self._rules(), who),
            seen=actions.seen_of(case),
        )

    async def act(self, ref: str, ask: CaseAsk, who: str, origin: str) -> CaseRow:
        found = await self._case(ref)
        if found is None:
            raise NotFoundError("there is no such case", where=ref)
        case, dossier = found
        try:
            actions.check(ask, case, papers_of(dossier), self._rules(), who)
            document = actions.document_of(ask, case, who, self._clock.now(), origin)
        except IsthmusError as error:
            await self._audit.record(who, "case.refused", f"case {ref}", f"{ask.action[:40]}: {error.what}")
            raise
        await self._audit.record(who, f"case.{document.action.value}", f"case {ref}", ask.reason.strip())
        await self._process.take(document, who=who)
        after = await self._case(ref)
        return self._row(after[0] if after else case)

    async def _case(self, ref: str) -> tuple[Case, Dossier] | None:
        case_id = await self._search.case_id(ref)
        for key in _prefixes(case_id or ""):
            dossier = await self._records.load(key)
            for case in dossier.cases:
                if case.case_id == case_id:
                    return case, dossier
        return None

    def _row(self, case: Case) -> CaseRow:
        return row_of(case, to_micros(self._clock.now()))

    def _rules(self) -> Policies | None:
        found = self._policies()
        return found if isinstance(found, Policies) else None

    # -------------------------------------------------------------- orders and invoices
    async def order(self, number: str, who: str) -> OrderView | None:
        dossier = await self._records.load(f"order:{number}")
        if not dossier.records:
            return None
        known = await self._known(dossier)
        papers = known.papers
        order = next(iter(papers.newest(PurchaseOrder)), None)
        invoices = papers.newest(Invoice)
        amount = order.total if order else None
        return OrderView(
            number=number,
            dossier=dossier.key,
            supplier=_first([*([order] if order else []), *invoices], "supplier_number"),
            facility=_first((paper.document for paper in papers.all), "facility"),
            amount=text_of(amount.amount) if amount else "",
            currency=amount.currency if amount else "",
            steps=steps_of(known),
            invoices=[invoice_status(one, known) for one in invoices],
            cases=[self._row(one) for one in dossier.cases],
            evidence=evidence_of(papers, invoices[0] if len(invoices) == 1 else None),
            documents=document_rows(papers),
            state=known.state,
        )

    async def invoice(self, supplier: str, number: str, who: str) -> InvoiceStatus | None:
        reference = Reference(Invoice.kind, f"{supplier}/{number}")
        for key in filter(is_matter, await self._search.dossiers_holding(reference)):
            known = await self._known(await self._records.load(key))
            for one in known.papers.newest(Invoice):
                # `S1/X/7` may be S1's or S1/X's: the document says whose it is.
                if (one.natural_key, one.supplier_number) == (reference.key, supplier):
                    return invoice_status(one, known)
        return None

    async def invoices_of(self, supplier: str, limit: int, who: str) -> list[InvoiceStatus]:
        found = await self._search.keys(Invoice.kind, f"{supplier}/", "", limit)
        numbers = [one.key.removeprefix(f"{supplier}/") for one in found]
        return [one for number in numbers if (one := await self.invoice(supplier, number, who)) is not None]

    async def supplier(self, number: str, who: str) -> SupplierView | None:
        return supplier_view(await self._records.load(supplier_dossier(number)))

    async def _known(self, dossier: Dossier) -> Known:
        papers = papers_of(dossier)
        commands = await self._search.commands(dossier.key)
        payments = Papers(await self._payments(papers))
        state = msgspec.json.decode(dossier.state)
        return Known(
            papers=papers,
            state=state if isinstance(state, dict) else {},
            cases=dossier.cases,
            commands=commands,
            requisitions=Papers(await self._requisitions(papers)),
            payments=payments,
            payment_states=await self._payment_states(payments),
            numbers=await self._numbers(commands),
        )

    async def _requisitions(self, papers: Papers) -> tuple[Record, ...]:
        numbers = {number for one in papers.newest(PurchaseOrder) for number in one.requisition_numbers}
        found: list[Record] = []
        for number in sorted(numbers):
            found += (await self._records.load(f"requisition:{number}")).records
        return tuple(found)

    async def _payments(self, papers: Papers) -> tuple[Record, ...]:
        """The ERP's word on each invoice, and payments whose decision looked at one."""
        keys = [one.natural_key for one in papers.newest(Invoice)]
        found = set((await self._records.latest([Reference("PaymentStatus", key) for key in keys])).values())
        for key in keys:
            for dossier in await self._records.dossiers_with(Reference(Invoice.kind, key)):
                if dossier.startswith("payment"):
                    found |= set((await self._records.load(dossier)).records)
        return tuple(found)

    async def _payment_states(self, payments: Papers) -> dict[str, str]:
        """What was decided of each payment: the ERP alone does not know what the bank says."""
        numbers = [one.payment_number for one in payments.newest(Payment)]
        states = {one: msgspec.json.decode((await self._records.load(payment_dossier(one))).state) for one in numbers}
        return {number: str(state["state"]) for number, state in states.items() if state.get("state")}

    async def _numbers(self, commands: Commands) -> dict[str, str]:
        """The ledger's number of what was posted, by the document's key."""
        posted = [one.command for one, _ in commands if one.command.name in _POSTING]
        numbers = {}
        for command in posted:
            for view in await self.messages_of(command.key):
                for delivery in view.deliveries:
                    if delivery.reference:
                        numbers[command.natural_key] = delivery.reference
        return numbers

    async def messages_of(self, command: str) -> list[MessageView]:
        """The messages that a command became."""
        if self._journal is None:
            return []
        rows = await self._journal.search(Query(key=(None, command, False), limit=10))
        views = [await self._journal.view(row.message_id) for row in rows if row.natural_id == command]
        return [view for view in views if view is not None]

    # -------------------------------------------------------------- finding and counting
    async def find(self, text: str, who: str) -> list[Hit]:
        text = text.strip()
        if not text:
            return []
        exact = [Reference(kind, text) for kind in ("PurchaseOrder", "Invoice", "Requisition", "Supplier", "Payment")]
        known = list(await self._records.latest(exact))
        if (await self._records.load(f"order:{text}")).records:
            known.append(Reference("PurchaseOrder", text))
        known += await self._search.keys(Invoice.kind, "", f"/{text}", _FOUND)
        known += await self._search.keys(Invoice.kind, f"{text}/", "", _FOUND)
        hits = []
        for one in dict.fromkeys(known):
            dossiers = await self._search.dossiers_holding(one) or [f"order:{one.key}"]
            hits += [Hit(one.kind, one.key, dossier) for dossier in dossiers if is_matter(dossier)]
        return hits[: 2 * _FOUND]

    async def facilities(self, dossier: str) -> frozenset[str]:
        """Facilities that its documents and cases name: who answers for one of them may see it."""
        found = await self._records.load(dossier)
        named = {_facility(paper.document) for paper in papers_of(found).all} | {one.facility for one in found.cases}
        return frozenset(name for name in named if name)

    async def summary(self, who: str, facilities: frozenset[str] | None = None) -> Strip:
        now = to_micros(self._clock.now())
        found = await self._records.cases(CaseQuery(limit=_ALL))
        found = [one for one in found if facilities is None or one.facility in facilities]
        rows = [row_of(one, now) for one in found]
        oldest = min(rows, key=lambda row: (row.opened_at, row.ref), default=None)
        waiting = await self._waiting() if facilities is None else {}
        blocked = {(one.dossier, _invoice_at(one)) for one in found if _stops_an_invoice(one)}
        return Strip(
            blocked=len(blocked),
            blocked_money=_money(one for one in found if _stops_an_invoice(one)),
            waiting=sum(waiting.values()),
            waiting_for=waiting,
            late_acknowledgements=sum("acknowledg" in one.type for one in found),
            open=len(rows),
            late=sum(row.late for row in rows),
            owners=_queues(rows),
            oldest_at=oldest.opened_at if oldest else None,
            oldest_ref=oldest.ref if oldest else None,
        )

    async def _waiting(self) -> dict[str, int]:
        """Invoices that wait, by what they wait for."""
        counts: Counter[str] = Counter()
        for one in await self._search.waiting(_ALL):
            state = msgspec.json.decode(one.state)
            invoices = state.get("invoices") if isinstance(state, dict) else None
            for fact in invoices.values() if isinstance(invoices, dict) else ():
                if isinstance(fact, dict) and fact.get("state") == "waiting":
                    counts[str(fact.get("because") or fact.get("source") or fact.get("for") or "more")] += 1
        return dict(counts.most_common())

    async def lot(self, item: str, lot: str, who: str, facilities: frozenset[str] | None = None) -> LotView | None:
        found = await lot_view(self._records, item, lot, facilities)
        if found is not None:  # what is typed and names nothing may be anything, so it is kept nowhere
            await self._audit.record(who, "lot.viewed", f"lot {found.item}/{found.lot}")
        return found

    async def lineage(self, asked: str, who: str) -> Lineage | None:
        return await Follower(self._records, self._search, self._journal, self.messages_of).follow(asked.strip())


def _prefixes(case_id: str) -> Iterable[str]:
    """A case's id begins with its dossier's key, which may itself have a `#`."""
    for place, sign in enumerate(case_id):
        if sign == "#":
            yield case_id[:place]


def _facility(document: Document) -> str | None:
    found = getattr(document, "facility", None)
    return found if isinstance(found, str) else None


def _first(documents: Iterable[Document], name: str) -> str | None:
    return next((str(found) for one in documents if (found := getattr(one, name, None))), None)


def _invoice_at(case: Case) -> str:
    """An invoice's key, without the line: `S1/INV-1/2` and `S1/INV-1:2` are places in `S1/INV-1`."""
    place = place_of(case).partition(":")[0]
    key, _, line = place.rpartition("/")
    return key if line.isdecimal() and "/" in key else place


def _stops_an_invoice(case: Case) -> bool:
    """A wish or an order that waits for its approval stops none, however much it is about."""
    place = place_of(case)
    is_of_one = case.dossier.startswith(_OF_INVOICES) and not place.startswith(f"{PurchaseOrder.kind}/")
    return case.amount is not None and "/" in place and is_of_one


def _money(cases: Iterable[Case]) -> Mapping[str, str]:
    sums: dict[str, Decimal] = {}
    for one in cases:
        currency = one.currency or "USD"
        sums[currency] = sums.get(currency, Decimal(0)) + Decimal(one.amount or 0)
    return {currency: text_of(amount) for currency, amount in sorted(sums.items())}


def _queues(rows: Sequence[CaseRow]) -> list[Queue]:
    owners = Counter(row.owner or "nobody" for row in rows)
    late = Counter(row.owner or "nobody" for row in rows if row.late)
    return [Queue(owner, count, late[owner]) for owner, count in owners.most_common()]
