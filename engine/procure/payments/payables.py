"""Payment runs: what is posted and not yet paid, chosen once for each due time, and proposed as payments."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Protocol

import msgspec

from engine.canonical import (
    Document,
    Invoice,
    InvoiceKind,
    Money,
    PaidInvoice,
    Payment,
    PaymentProgress,
    PaymentRun,
    PaymentRunLeft,
    PaymentRunLine,
    PaymentStatus,
    Supplier,
    Terms,
    total,
)
from engine.channel.policies import Policies
from engine.ports.measures import MeasureStore
from engine.ports.payment_runs import USUAL_RULES, RunRules
from engine.ports.procure import Case, Records, Reference
from engine.procure.calendar import calendar_of
from engine.procure.desk.timeline import place_of
from engine.procure.papers import read
from engine.procure.payments.owed import still_owed
from engine.procure.payments.run import Chosen, Left, Payable, Run, payable_of, select
from engine.procure.policies import USUAL
from engine.procure.postings.posting import SagaState

USUAL_TERMS = Terms(net_days=30)
PROPOSER = "payment run"
_MOST_LEFT = 1000  # listed: a run that leaves more says how many
# An invoice is open when the ERP took it, what still lives does not pay all of it, and the ledger does not call it
# paid. What was taken back there may have been posted anew: its dossier knows. A row for each payment that lives.
_OPEN = """
SELECT given.dossier, given.body, CASE WHEN EXISTS (SELECT 1 FROM p2p_milestones AS undone
  WHERE undone.key = posted.key AND undone.what = 'command_answered' AND undone.type = 'undo_post_invoice')
  THEN 1 ELSE 0 END, live.detail
FROM p2p_milestones AS posted
JOIN p2p_commands AS given ON given.name = 'post_invoice' AND given.natural_key = posted.key
LEFT JOIN p2p_milestones AS live
  ON live.what = 'invoice_in_payment' AND live.key = posted.key AND live.type = 'live'
WHERE posted.what = 'command_answered' AND posted.type = 'post_invoice'
  AND NOT EXISTS (SELECT 1 FROM p2p_milestones AS ledger
    WHERE ledger.what = 'invoice_paid' AND ledger.key = posted.key AND ledger.type = 'told')
  AND (live.key IS NULL OR (SELECT COALESCE(SUM(ABS(part.units)), 0) FROM p2p_milestones AS part
    WHERE part.key = posted.key AND (part.what = 'invoice_in_payment' AND part.type = 'live'
      OR part.what = 'discount_taken' AND part.type = 'kept'))
    < (SELECT COALESCE(MAX(ABS(asked.units)), 0) FROM p2p_milestones AS asked
      WHERE asked.what = 'command_given' AND asked.type = 'post_invoice' AND asked.key = posted.key))
ORDER BY given.number
"""
_CASES = "SELECT case_id, dossier, type FROM p2p_cases WHERE state = 'open'"


class TakesDocuments(Protocol):
    """The process, as a run needs it."""

    async def take(self, document: Document, message_id: int | None = None, who: str | None = None) -> None: ...


class PaymentRuns:
    """Proposes what to pay. A run is a document before anything else happens, so a crash cannot choose twice."""

    def __init__(
        self, records: Records, measures: MeasureStore, process: TakesDocuments, policies: Callable[[], Policies | None]
    ) -> None:
        self._records, self._measures, self._process, self._policies = records, measures, process, policies
        self._turn = asyncio.Lock()  # two timetables never choose the same invoice

    async def propose(self, number: str, pay_on: date, next_run: date, rules: RunRules = USUAL_RULES) -> PaymentRun:
        """As the port says."""
        async with self._turn:
            known = await self._known(PaymentRun, [number])
            run = known.get(number)
            if run is None:
                run = run_of(number, select(await self.open(), pay_on, next_run, rules.cost, rules.limit), next_run)
                await self._process.take(run, who=PROPOSER)
            payments = payments_of(run)
            there = await self._known(Payment, [one.payment_number for one in payments])
            for one in payments:
                if one.payment_number not in there:  # one that went on since is not put back
                    await self._process.take(one, who=PROPOSER)
            return run

    async def open(self) -> list[Payable]:
        """What is owed of posted invoices and credits that payments do not cover yet, with what holds them."""
        rows = await self._measures.measured(_OPEN, {})
        holds = _holds(await self._measures.measured(_CASES, {}))
        read = {body: (dossier, Invoice.model_validate_json(body), undone) for dossier, body, undone, _ in rows}
        invoices = [
            (dossier, one)
            for dossier, one, undone in read.values()
            if not undone or await self._is_posted(dossier, one)
        ]
        suppliers = await self._known(Supplier, {one.supplier_number for _, one in invoices})
        policies = self._policies() or USUAL
        made = (
            _payable(one, suppliers.get(one.supplier_number), policies, holds(dossier, one.natural_key))
            for dossier, one in invoices
        )
        live = {payment for *_, payment in rows if payment is not None}
        return await self._owed(list({one.key: one for one in made}.values()), live)

    async def _owed(self, asked: Sequence[Payable], live: Iterable[str]) -> list[Payable]:
        """Without what living payments and the ledger say is paid of it."""
        payments = defaultdict[str, list[Payment]](list)
        for payment in (await self._known(Payment, set(live))).values():
            for key in {f"{payment.supplier_number}/{part.invoice_number}" for part in payment.invoices}:
                payments[key].append(payment)
        told = await self._known(PaymentStatus, {one.key for one in asked})
        found = (still_owed(one, payments[one.key], told.get(one.key)) for one in asked)
        return [one for one in found if one is not None]

    async def _is_posted(self, dossier: str, invoice: Invoice) -> bool:
        """By all that its systems answered, of every try."""
        state = (await self._records.load(dossier)).state
        postings = msgspec.json.decode(state).get("postings", {}) if state else {}
        return bool(postings.get(f"post_invoice:{invoice.natural_key}", {}).get("state") == SagaState.POSTED)

    async def _known(self, kind: type[Any], keys: Iterable[str]) -> dict[str, Any]:
        found = await self._records.latest([Reference(kind.kind, key) for key in sorted(keys)])
        return {reference.key: read(record) for reference, record in found.items()}


def _holds(rows: Sequence[tuple[Any, ...]]) -> Callable[[str, str], tuple[str, ...]]:
    """Types of the open cases about an invoice, by its dossier and key."""
    cases: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for case_id, dossier, type_ in rows:
        place = place_of(Case(case_id, dossier, type_, "open", 0, ""))
        cases[dossier].append((place, type_))

    def of(dossier: str, invoice: str) -> tuple[str, ...]:
        about = (kind for place, kind in cases.get(dossier, ()) if place == invoice or place.startswith(f"{invoice}/"))
        return tuple(sorted(set(about)))

    return of


def _payable(invoice: Invoice, supplier: Supplier | None, policies: Policies, holds: Sequence[str]) -> Payable:
    found = payable_of(invoice, invoice.invoiced_on, terms_of(invoice, supplier), _calendar(policies, invoice), holds)
    if invoice.invoice_kind is not InvoiceKind.CREDIT_MEMO:
        return found
    return msgspec.structs.replace(found, amount=_negative(found.amount), discount=None, discount_on=None)


def terms_of(invoice: Invoice, supplier: Supplier | None) -> Terms:
    """The invoice's own, or a due date that it names; what they leave open, as its supplier's; else as usual."""
    own = invoice.terms or Terms()
    if own.net_days is not None or invoice.due_on is not None:
        return own
    days = supplier.payment_terms_days if supplier is not None else None
    return own.model_copy(update={"net_days": USUAL_TERMS.net_days if days is None else days})


def _calendar(policies: Policies, invoice: Invoice) -> Any:
    return calendar_of(policies, invoice.facility)


def _negative(amount: Money) -> Money:
    return Money(amount=-abs(amount.amount), currency=amount.currency)


# ------------------------------------------------------------------ documents
def run_of(number: str, run: Run, next_run: date) -> PaymentRun:
    """One payment a supplier, remit-to and currency; what would come to nothing is left with its credits."""
    groups: defaultdict[tuple[str, str, str], list[Chosen]] = defaultdict(list)
    for one in run.chosen:
        of = one.payable
        groups[of.supplier_number, of.remit_to, one.pays.currency].append(one)
    paid = {key: parts for key, parts in groups.items() if total([one.pays for one in parts]).amount > 0}
    left = [*run.left, *(Left(one.payable, "credit_is_more") for key in groups.keys() - paid for one in groups[key])]
    return PaymentRun(
        run_number=number,
        pay_on=run.pay_on,
        next_run=next_run,
        lines=tuple(_lines(number, paid)),
        left=tuple(_left(one) for one in left[:_MOST_LEFT]),
        left_out=len(left[_MOST_LEFT:]),
    )


def _lines(number: str, groups: Mapping[tuple[str, str, str], Sequence[Chosen]]) -> Iterator[PaymentRunLine]:
    for count, (key, parts) in enumerate(sorted(groups.items()), 1):
        for one in parts:
            yield PaymentRunLine(
                payment_number=f"{number}-{count:04d}", supplier_number=key[0], remit_to=key[1] or None,
                invoice_number=one.payable.invoice_number, pays=one.pays, discount=one.discount, why=one.why,
            )  # fmt: skip


def _left(one: Left) -> PaymentRunLeft:
    of = one.payable
    return PaymentRunLeft(
        supplier_number=of.supplier_number, invoice_number=of.invoice_number, amount=of.amount, why=one.why,
        facts=one.facts,
    )  # fmt: skip


def payments_of(run: PaymentRun) -> list[Payment]:
    groups: dict[str, list[PaymentRunLine]] = {}
    for line in run.lines:
        groups.setdefault(line.payment_number, []).append(line)
    return [
        Payment(
            payment_number=number,
            supplier_number=lines[0].supplier_number,
            amount=total([line.pays for line in lines], lines[0].pays.currency),
            pay_on=run.pay_on,
            state=PaymentProgress.PROPOSED,
            invoices=tuple(_part(line) for line in lines),
            run_number=run.run_number,
            remit_to=lines[0].remit_to,
            proposed_by=PROPOSER,
        )
        for number, lines in groups.items()
    ]


def _part(line: PaymentRunLine) -> PaidInvoice:
    return PaidInvoice(invoice_number=line.invoice_number, amount=line.pays, discount=line.discount)
